/**
 * Records of CSV text in pieces, fields unquoted (RFC 4180): quotes may hold commas, line breaks and doubled quotes. Yields null once for a
 * quote that is never closed. Cost: the text.
 */
export async function* csvRecords(pieces: AsyncIterable<string>): AsyncIterable<readonly string[] | null> {
  let fields: string[] = []
  let field = ''
  let isQuoted = false
  // A quote inside quotes is the end, or the first of two: the next character says which.
  let afterQuote = false
  let hasText = false
  for await (const piece of pieces)
    for (const character of piece) {
      if (isQuoted && !afterQuote) {
        if (character === '"') afterQuote = true
        else field += character
        continue
      }
      if (afterQuote) {
        afterQuote = false
        if (character === '"') {
          field += '"'
          continue
        }
        isQuoted = false
      }
      if (character === '"' && field === '') isQuoted = true
      else if (character === ',') {
        fields.push(field)
        field = ''
      } else if (character === '\n') {
        if (hasText) yield [...fields, field]
        fields = []
        field = ''
        hasText = false
        continue
      } else if (character !== '\r') field += character
      hasText = true
    }
  if (isQuoted && !afterQuote) yield null
  else if (hasText) yield [...fields, field]
}
