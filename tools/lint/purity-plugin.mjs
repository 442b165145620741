/**
 * What the pure layers (kernel, domain, cores, simulation) must not do: read a clock, draw global randomness, wait, do I/O or
 * import packages. Time, chance and the outside world reach them as arguments, so that the same code runs live, in the simulator
 * and in a replay, byte for byte. `.oxlintrc.json` says which files it holds for; the option `packages` lists npm packages a
 * library may use all the same.
 */

const forbiddenGlobals = new Map([
  ['Promise', 'machines never wait; a driver does'],
  ['setTimeout', 'return a deadline from nextDeadline()'],
  ['setInterval', 'return a deadline from nextDeadline()'],
  ['setImmediate', 'return an effect'],
  ['clearTimeout', 'a driver arms the timer'],
  ['clearInterval', 'a driver arms the timer'],
  ['queueMicrotask', 'return an effect'],
  ['performance', 'time is passed in as `now`'],
  ['process', 'configuration is passed in'],
  ['console', 'return an effect or count it'],
  ['crypto', 'draw from a named stream of the seed'],
  ['fetch', 'I/O lives in adapters'],
  ['Buffer', 'use Uint8Array'],
  ['require', 'use import'],
  ['globalThis', 'name what you need as an argument'],
  ['Intl', 'locale and zone differ between machines'],
  ['WeakRef', 'garbage collection is not deterministic'],
  ['FinalizationRegistry', 'garbage collection is not deterministic'],
])

const forbiddenMembers = new Map([
  ['Math.random', 'draw from a named stream of the seed'],
  ['Date.now', 'time is passed in as `now`'],
])

const pure = {
  meta: {
    type: 'problem',
    schema: [{ type: 'object', properties: { packages: { type: 'array', items: { type: 'string' } } } }],
  },
  create(context) {
    const allowed = context.options[0]?.packages ?? []
    const report = (node, what, instead) =>
      context.report({ node, message: `${what} is not pure: ${instead}` })

    function checkImport(node) {
      const source = node.source?.value
      if (typeof source !== 'string' || source.startsWith('.') || source.startsWith('@kvasir/')) return
      if (!allowed.includes(source))
        report(node, `import of '${source}'`, 'I/O and packages live in adapters')
    }

    function checkFunction(node) {
      if (node.async) report(node, 'an async function', 'machines never wait; a driver does')
    }

    return {
      ImportDeclaration: checkImport,
      ExportNamedDeclaration: checkImport,
      ExportAllDeclaration: checkImport,
      ImportExpression: (node) => report(node, 'import()', 'import statically'),
      FunctionDeclaration: checkFunction,
      FunctionExpression: checkFunction,
      ArrowFunctionExpression: checkFunction,
      AwaitExpression: (node) => report(node, 'await', 'machines never wait; a driver does'),
      MemberExpression(node) {
        if (node.object.type !== 'Identifier') return
        const member = node.computed ? node.property.value : node.property.name
        const name = `${node.object.name}.${member}`
        if (forbiddenMembers.has(name)) report(node, name, forbiddenMembers.get(name))
      },
      NewExpression(node) {
        if (node.callee.name === 'Date' && node.arguments.length === 0)
          report(node, 'new Date()', 'time is passed in as `now`')
      },
      CallExpression(node) {
        if (node.callee.type === 'Identifier' && node.callee.name === 'Date')
          report(node, 'Date()', 'time is passed in as `now`')
      },
      // Globals are the references that no scope of the file resolves: a parameter called `process` is nobody's business.
      'Program:exit'(program) {
        const scope = context.sourceCode.getScope(program)
        const unresolved = new Set(scope.through)
        for (const variable of scope.variables)
          if (variable.defs.length === 0)
            for (const reference of variable.references) unresolved.add(reference)
        for (const { identifier } of unresolved) {
          const instead = forbiddenGlobals.get(identifier.name)
          if (instead !== undefined) report(identifier, identifier.name, instead)
        }
      },
    }
  },
}

export default { meta: { name: 'kvasir' }, rules: { pure } }
