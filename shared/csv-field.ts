/** A text as one field of CSV: quoted where it holds the delimiter, a quote or a line break, as it is elsewhere (RFC 4180). */
export const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
