export * from './dispatcher.js'
