/**
 * A flavoured primitive: assignable from the bare primitive, not from another flavour. `Micros` cannot be handed
 * to a parameter that wants `Tokens`, while arithmetic and literals stay free of casts.
 */
export type Flavor<T, Name extends string> = T & { readonly __flavor?: Name }
