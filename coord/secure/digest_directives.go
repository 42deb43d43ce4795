package secure

import "strings"

const (
	// digestBytesMax bounds a DIGEST-MD5 message (RFC 2831 allows a challenge of
	// 2047 and a response of 4095 bytes).
	digestBytesMax = 4096
	directivesMax  = 32
)

// directives are the pairs of a DIGEST-MD5 message by lower-case name.
type directives map[string]string

// parseDirectives reads name=value pairs, separated by commas and blanks; a value
// is a token, or in quotes, where a backslash takes the next character as it is
// (RFC 2831, 7.1). A name that comes twice is an error: two readers could choose
// differently.
func parseDirectives(message []byte) (directives, error) {
	if len(message) > digestBytesMax {
		return nil, denied("DIGEST-MD5: a message of %d bytes; the limit is %d", len(message), digestBytesMax)
	}
	d := make(directives)
	rest := string(message)
	for {
		rest = strings.TrimLeft(rest, ", \t\r\n")
		if rest == "" {
			return d, nil
		}
		name, behind, found := strings.Cut(rest, "=")
		name = strings.ToLower(strings.TrimRight(name, " \t\r\n"))
		if !found || name == "" || strings.ContainsAny(name, "\", \t\r\n") {
			return nil, denied("DIGEST-MD5: the message is broken")
		}
		value, after, ok := cutValue(strings.TrimLeft(behind, " \t\r\n"))
		_, twice := d[name]
		if !ok || twice || len(d) >= directivesMax {
			return nil, denied("DIGEST-MD5: the message is broken at %q", name)
		}
		d[name] = value
		rest = after
	}
}

// cutValue splits text behind its first value; ok is false when a quote is open
// or something stands between the value and the next comma.
func cutValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexByte(text, ',')
		if end < 0 {
			end = len(text)
		}
		value = strings.TrimRight(text[:end], " \t\r\n")
		return value, text[end:], !strings.ContainsAny(value, "\" \t\r\n")
	}
	var b strings.Builder
	for at := 1; at < len(text); at++ {
		switch c := text[at]; {
		case c == '"':
			rest = strings.TrimLeft(text[at+1:], " \t\r\n")
			return b.String(), rest, rest == "" || rest[0] == ','
		case c == '\\' && at+1 < len(text):
			at++
			b.WriteByte(text[at])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// quoted is a value as it stands in a message.
func quoted(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}
