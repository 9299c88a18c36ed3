/** Names, and values behind `=` where there are some, of the fields that both ends know from the start, in order. */
const KNOWN: string =
  ':authority;:method=GET;:method=POST;:path=/;:path=/index.html;:scheme=http;:scheme=https;' +
  ':status=200;:status=204;:status=206;:status=304;:status=400;:status=404;:status=500;accept-charset;' +
  'accept-encoding=gzip, deflate;accept-language;accept-ranges;accept;access-control-allow-origin;age;' +
  'allow;authorization;cache-control;content-disposition;content-encoding;content-language;' +
  'content-length;content-location;content-range;content-type;cookie;date;etag;expect;expires;from;' +
  'host;if-match;if-modified-since;if-none-match;if-range;if-unmodified-since;last-modified;link;' +
  'location;max-forwards;proxy-authenticate;proxy-authorization;range;referer;refresh;retry-after;' +
  'server;set-cookie;strict-transport-security;transfer-encoding;user-agent;vary;via;www-authenticate'

/** The same as fields, by index from 1 (RFC 7541, appendix A). */
export const STATIC_FIELDS: readonly (readonly [name: string, value: string])[] = KNOWN.split(';').map((field) => {
  const at = field.indexOf('=')
  return at === -1 ? [field, ''] : [field.slice(0, at), field.slice(at + 1)]
})

/**
 * Bits of the Huffman code of each byte, and of the end of text last: `a` is 5, `z` is 30 (RFC 7541, appendix B).
 *
 * The code is canonical, so that lengths tell all of it: shorter ones first, and those of one length in order of bytes.
 */
const LENGTHS: string =
  'isxxxxxxxtzxxzxxxxxxxxzxxxxxxxxxbffhibdgffdgdbbbaaabbbbbbbcdkbhfibcccccccccccccccccccc' +
  'ccdcdioijbkabababbbaccbbbabcbaabccccckgjixprpprrrsrssssststtrstssssqrsrsstrqprrssqsrrt' +
  'qrssqqrqsrssprrrsrrsvvporsruvvvwwvtuoqvwwvwtqqvvxwwwptpqrqqsrruuttvsvwvvwwwwwxwwwwwvz'

const END_OF_TEXT = 256

/** The code as a tree of pairs: `CODE[2 * node + bit]` is the next node, or `~byte` at a leaf; 0 stands for none. */
export const HUFFMAN_TREE: Int16Array = treeOf(LENGTHS)

function treeOf(lengths: string): Int16Array {
  const bits = Array.from(lengths, (letter) => letter.charCodeAt(0) - 92)
  const order = bits.map((_, byte) => byte).sort((one, other) => (bits[one] ?? 0) - (bits[other] ?? 0) || one - other)
  const tree = new Int16Array(2 * bits.length)
  let nodes = 1
  let code = 0
  let length = 0
  for (const byte of order) {
    code *= 2 ** ((bits[byte] ?? 0) - length)
    length = bits[byte] ?? 0
    let node = 0
    for (let bit = length - 1; bit > 0; bit -= 1) {
      const at = 2 * node + (Math.floor(code / 2 ** bit) % 2)
      if (tree[at] === 0) tree[at] = nodes++
      node = tree[at] ?? 0
    }
    // Who sends the end of a text within it breaks the rules: no leaf stands for it.
    if (byte !== END_OF_TEXT) tree[2 * node + (code % 2)] = ~byte
    code += 1
  }
  return tree
}
