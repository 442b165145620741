/**
 * Requests per model of lmsys_arena_27models.csv, the most popular first: counted from the file, whose own
 * names are these ids (VTC, OSDI 2024, mapped each model of the LMSYS Chatbot Arena to one id).
 * real-traces.spec.ts counts again.
 */
export const ARENA_REQUESTS: readonly (readonly [model: string, requests: number])[] = [
  ['arena-02', 296],
  ['arena-10', 262],
  ['arena-00', 199],
  ['arena-05', 120],
  ['arena-06', 67],
  ['arena-04', 66],
  ['arena-07', 56],
  ['arena-15', 46],
  ['arena-13', 44],
  ['arena-12', 43],
  ['arena-01', 40],
  ['arena-08', 36],
  ['arena-20', 31],
  ['arena-11', 26],
  ['arena-16', 25],
  ['arena-09', 23],
  ['arena-03', 22],
  ['arena-14', 22],
  ['arena-19', 19],
  ['arena-22', 19],
  ['arena-18', 12],
  ['arena-23', 11],
  ['arena-25', 7],
  ['arena-17', 3],
  ['arena-21', 2],
  ['arena-24', 2],
  ['arena-26', 1],
]
