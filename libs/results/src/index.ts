export * from './parquet.js'
export * from './result-store.js'
export * from './run-journal.js'
export * from './tables.js'
