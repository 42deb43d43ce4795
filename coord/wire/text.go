package wire

import (
	"strings"
	"unicode/utf8"
)

// TextOf decodes UTF-8 as Java does: what is malformed becomes U+FFFD. The
// result is a copy.
func TextOf(b []byte) string {
	s := string(b)
	if !utf8.ValidString(s) {
		s = replaceMalformed(s)
	}
	return s
}

// replaceMalformed writes one U+FFFD where Java writes one: for each longest
// beginning of a character that is not completed, and for each surrogate. A
// character above U+FFFF from a Java client arrives as two surrogates
// (BinaryOutputArchive.java) and becomes two U+FFFD, not six.
func replaceMalformed(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			n = malformedLength(s)
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}

// malformedLength is how many bytes of s, which does not begin with a valid
// character, Java replaces by one U+FFFD (java.lang.String decodes so).
func malformedLength(s string) int {
	first, last := byte(0x80), byte(0xbf) // range of the second byte
	switch c := s[0]; {
	case c < 0xe0 || c > 0xf4:
		return 1
	case c == 0xe0:
		first = 0xa0
	case c == 0xf0:
		first = 0x90
	case c == 0xf4:
		last = 0x8f
	}
	switch {
	case len(s) < 2 || s[1] < first || s[1] > last:
		return 1
	case len(s) < 3 || s[2]&0xc0 != 0x80:
		return 2
	}
	return 3
}
