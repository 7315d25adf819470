/** A study file's content before it is parsed: keys as in the file. */
export type StudyText = Record<string, unknown>
