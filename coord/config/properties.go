package config

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// fileBytesMax bounds a configuration file; the longest sensible ones
// (hundreds of servers, every key set) stay far below.
const fileBytesMax = 1 << 20

// Property is one key with its value and the place it was read from.
type Property struct {
	// Key is the name as written, blanks around it removed.
	Key string
	// Value is the text as written after escapes, blanks around it removed.
	Value string
	// Line is the 1-based number of the line the key stands on; 0 outside files.
	Line int
	// Origin names the place for messages: "zoo.cfg:12", "-D (JVMFLAGS)".
	Origin string
}

// ReadProperties decodes the Java Properties grammar: ISO-8859-1 text,
// comments with # or !, the separators =, : and blank, backslash escapes with
// \uXXXX, and lines continued by a final backslash. Of a repeated key the last
// value counts and keeps its line; the order is that of first appearance.
// name appears in origins and errors. A file above 1 MiB or a malformed \u
// escape is an *Error with exit code 2.
//
// ZooKeeper: java.util.Properties load, QuorumPeerConfig.java (trims both sides).
func ReadProperties(r io.Reader, name string) ([]Property, error) {
	raw, err := io.ReadAll(io.LimitReader(r, fileBytesMax+1))
	if err != nil {
		return nil, &Error{File: name, Text: "Error processing " + name, Exit: ExitInvalidInvocation, Cause: err}
	}
	if len(raw) > fileBytesMax {
		return nil, &Error{
			File: name, Exit: ExitInvalidInvocation,
			Text: fmt.Sprintf("Error processing %s: longer than %d bytes; this does not look like a configuration file", name, fileBytesMax),
		}
	}
	var list []Property
	index := make(map[string]int)
	for line := range logicalLines(raw) {
		keyText, valueText := splitProperty(line.text)
		key, err := unescape(keyText)
		if err != nil {
			return nil, malformedEscape(name, line.number)
		}
		value, err := unescape(valueText)
		if err != nil {
			return nil, malformedEscape(name, line.number)
		}
		p := Property{Key: javaTrim(key), Value: javaTrim(value), Line: line.number}
		p.Origin = name + ":" + strconv.Itoa(p.Line)
		if at, ok := index[p.Key]; ok {
			list[at] = p
			continue
		}
		index[p.Key] = len(list)
		list = append(list, p)
	}
	return list, nil
}

func malformedEscape(name string, line int) error {
	return &Error{
		File: name, Line: line, Exit: ExitInvalidInvocation,
		Text: `Malformed \uXXXX encoding; write four hexadecimal digits, or double the backslash if it belongs to the value`,
	}
}

type logicalLine struct {
	number int
	text   []byte
}

// logicalLines yields the lines that carry a property: comments and blank
// lines left out, continued lines joined without the leading blanks of the
// continuation. A comment is never continued.
func logicalLines(raw []byte) func(yield func(logicalLine) bool) {
	return func(yield func(logicalLine) bool) {
		number := 0
		for len(raw) > 0 {
			var text []byte
			text, raw = cutLine(raw)
			number++
			text = trimLeftBlank(text)
			if len(text) == 0 || text[0] == '#' || text[0] == '!' {
				continue
			}
			start := number
			for joined := false; endsWithContinuation(text); joined = true {
				text = text[:len(text)-1]
				if len(raw) == 0 {
					break
				}
				if !joined {
					text = bytes.Clone(text)
				}
				var next []byte
				next, raw = cutLine(raw)
				number++
				text = append(text, trimLeftBlank(next)...)
			}
			if !yield(logicalLine{start, text}) {
				return
			}
		}
	}
}

// cutLine splits at \n, \r or \r\n.
func cutLine(raw []byte) (line, rest []byte) {
	at := bytes.IndexAny(raw, "\r\n")
	if at < 0 {
		return raw, nil
	}
	line, rest = raw[:at], raw[at+1:]
	if raw[at] == '\r' && len(rest) > 0 && rest[0] == '\n' {
		rest = rest[1:]
	}
	return line, rest
}

func endsWithContinuation(text []byte) bool {
	slashes := 0
	for slashes < len(text) && text[len(text)-1-slashes] == '\\' {
		slashes++
	}
	return slashes%2 == 1
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\f' }

func trimLeftBlank(text []byte) []byte {
	for len(text) > 0 && isBlank(text[0]) {
		text = text[1:]
	}
	return text
}

// splitProperty cuts at the first unescaped =, : or blank. After a blank one =
// or : still belongs to the separator.
func splitProperty(text []byte) (key, value []byte) {
	at := 0
	for at < len(text) {
		if text[at] == '\\' {
			at += 2
			continue
		}
		if text[at] == '=' || text[at] == ':' || isBlank(text[at]) {
			break
		}
		at++
	}
	at = min(at, len(text))
	key, value = text[:at], trimLeftBlank(text[at:])
	if len(value) > 0 && (value[0] == '=' || value[0] == ':') {
		value = trimLeftBlank(value[1:])
	}
	return key, value
}

// unescape turns ISO-8859-1 bytes with backslash escapes into a string.
// Surrogate pairs written as two \u escapes become one rune.
func unescape(text []byte) (string, error) {
	var units []rune
	for at := 0; at < len(text); at++ {
		if text[at] != '\\' || at+1 >= len(text) {
			if text[at] != '\\' {
				units = append(units, rune(text[at]))
			}
			continue
		}
		at++
		switch text[at] {
		case 't':
			units = append(units, '\t')
		case 'n':
			units = append(units, '\n')
		case 'r':
			units = append(units, '\r')
		case 'f':
			units = append(units, '\f')
		case 'u':
			if at+4 >= len(text) {
				return "", strconv.ErrSyntax
			}
			code, err := strconv.ParseUint(string(text[at+1:at+5]), 16, 16)
			if err != nil {
				return "", err
			}
			units = append(units, rune(code))
			at += 4
		default:
			units = append(units, rune(text[at]))
		}
	}
	return joinSurrogates(units), nil
}

func joinSurrogates(units []rune) string {
	var b strings.Builder
	for at := 0; at < len(units); at++ {
		high := units[at]
		if high >= 0xD800 && high < 0xDC00 && at+1 < len(units) {
			if low := units[at+1]; low >= 0xDC00 && low < 0xE000 {
				b.WriteRune((high-0xD800)<<10 + (low - 0xDC00) + 0x10000)
				at++
				continue
			}
		}
		b.WriteRune(high)
	}
	return b.String()
}

// javaTrim removes what String.trim removes: every character up to the blank.
func javaTrim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}
