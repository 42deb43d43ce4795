package secure

import (
	"errors"
	"fmt"
	"strings"
)

// jaasKind is what a word of a JAAS file is.
type jaasKind uint8

const (
	jaasEnd    jaasKind = iota // of the file
	jaasBare                   // a word without quotes
	jaasQuoted                 // a text in quotes, without them
	jaasMark                   // one of { } ; =
)

type jaasWord struct {
	kind jaasKind
	text string
	line int
}

// jaasScanner splits a JAAS file into words.
type jaasScanner struct {
	text string // what is left
	line int
}

const jaasMarks = "{};="

// next is the next word. With an error comes a word that has the line.
func (s *jaasScanner) next() (jaasWord, error) {
	if err := s.skip(); err != nil {
		return jaasWord{line: s.line}, err
	}
	word := jaasWord{line: s.line}
	switch {
	case s.text == "":
		return word, nil
	case strings.IndexByte(jaasMarks, s.text[0]) >= 0:
		word.kind, word.text = jaasMark, s.text[:1]
		s.text = s.text[1:]
		return word, nil
	case s.text[0] == '"' || s.text[0] == '\'':
		text, err := s.quoted()
		word.kind, word.text = jaasQuoted, text
		return word, err
	}
	end := strings.IndexFunc(s.text, func(r rune) bool {
		return r <= ' ' || r == '/' || r == '"' || r == '\'' || strings.ContainsRune(jaasMarks, r)
	})
	if end < 0 {
		end = len(s.text)
	}
	if end == 0 {
		return word, fmt.Errorf("a %q is out of place; put values in quotes", s.text[:1])
	}
	word.kind, word.text = jaasBare, s.text[:end]
	s.text = s.text[end:]
	return word, nil
}

// skip drops blanks and comments.
func (s *jaasScanner) skip() error {
	for s.text != "" {
		switch {
		case s.text[0] == '\n':
			s.line++
			s.text = s.text[1:]
		case s.text[0] <= ' ':
			s.text = s.text[1:]
		case strings.HasPrefix(s.text, "//"):
			end := strings.IndexByte(s.text, '\n')
			if end < 0 {
				end = len(s.text)
			}
			s.text = s.text[end:]
		case strings.HasPrefix(s.text, "/*"):
			end := strings.Index(s.text, "*/")
			if end < 0 {
				return errors.New("a comment is not closed with */")
			}
			s.line += strings.Count(s.text[:end], "\n")
			s.text = s.text[end+2:]
		default:
			return nil
		}
	}
	return nil
}

// jaasEscapes are the characters with a meaning behind a backslash, as in Java;
// any other stands for itself.
var jaasEscapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'a': '\a', 'v': '\v'}

// quoted takes a text in quotes, which ends in its line.
func (s *jaasScanner) quoted() (string, error) {
	mark := s.text[0]
	var b strings.Builder
	for at := 1; at < len(s.text) && s.text[at] != '\n'; at++ {
		c := s.text[at]
		switch {
		case c == mark:
			s.text = s.text[at+1:]
			return b.String(), nil
		case c == '\\' && at+1 < len(s.text) && s.text[at+1] >= '0' && s.text[at+1] <= '7':
			return "", errors.New("a backslash and digits in quotes (an octal character) are not supported; write the character itself")
		case c == '\\' && at+1 < len(s.text) && s.text[at+1] != '\n':
			at++
			if special, ok := jaasEscapes[s.text[at]]; ok {
				b.WriteByte(special)
			} else {
				b.WriteByte(s.text[at])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("a quote is not closed in its line")
}
