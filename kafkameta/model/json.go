package model

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// DataBytesMax is the longest payload that is parsed: four times what Kafka's
// own ZooKeeper client takes, for servers with a raised limit.
const DataBytesMax = 16 << 20

// nestingMax is the deepest nesting that is parsed. Kafka writes at most four
// levels; the rest is room for unknown members.
const nestingMax = 64

// jsonKind is the type of a JSON value.
type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonBoolean
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

var jsonKindNames = [...]string{"null", "boolean", "number", "string", "array", "object"}

func (k jsonKind) String() string { return jsonKindNames[k] }

// jsonValue is one JSON value that keeps the order of members. A parsed one
// keeps its text too.
type jsonValue struct {
	kind     jsonKind
	text     []byte // as written; nil in a container that was built
	content  string // of a string
	members  []jsonMember
	elements []jsonValue
}

type jsonMember struct {
	key   string
	value jsonValue
}

// member finds a member of an object.
func (v jsonValue) member(key string) (jsonValue, bool) {
	for i := range v.members {
		if v.members[i].key == key {
			return v.members[i].value, true
		}
	}
	return jsonValue{}, false
}

// jsonDefect is what parseJSON finds wrong; Error is made of it.
type jsonDefect struct {
	problem Problem
	offset  int
	detail  string
}

func (d *jsonDefect) Error() string { return d.detail }

// parseJSON reads one JSON value (RFC 8259, in UTF-8) that fills data but for
// white space. The value's texts point into data.
func parseJSON(data []byte) (jsonValue, error) {
	if len(data) > DataBytesMax {
		return jsonValue{}, &jsonDefect{problem: ProblemLimit, detail: fmt.Sprintf("%d bytes, at most %d are read", len(data), DataBytesMax)}
	}
	p := jsonParser{data: data}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return jsonValue{}, err
	}
	p.space()
	if p.at < len(data) {
		return jsonValue{}, p.syntax("text after the JSON value")
	}
	return v, nil
}

type jsonParser struct {
	data []byte
	at   int
}

func (p *jsonParser) syntax(detail string) error {
	return &jsonDefect{problem: ProblemSyntax, offset: p.at, detail: detail}
}

func (p *jsonParser) space() {
	for p.at < len(p.data) {
		switch p.data[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// next gives the byte at hand, 0 at the end.
func (p *jsonParser) next() byte {
	if p.at < len(p.data) {
		return p.data[p.at]
	}
	return 0
}

func (p *jsonParser) value(depth int) (jsonValue, error) {
	if depth > nestingMax {
		return jsonValue{}, &jsonDefect{problem: ProblemLimit, offset: p.at, detail: fmt.Sprintf("nested deeper than %d levels", nestingMax)}
	}
	start := p.at
	var v jsonValue
	var err error
	switch c := p.next(); {
	case c == '{':
		v, err = p.object(depth)
	case c == '[':
		v, err = p.array(depth)
	case c == '"':
		v.kind = jsonString
		v.content, err = p.string()
	case c == '-' || '0' <= c && c <= '9':
		v.kind = jsonNumber
		err = p.number()
	default:
		v.kind, err = p.word()
	}
	if err != nil {
		return jsonValue{}, err
	}
	v.text = p.data[start:p.at]
	return v, nil
}

// words are the values that are written as a word.
var words = []struct {
	text string
	kind jsonKind
}{{"null", jsonNull}, {"true", jsonBoolean}, {"false", jsonBoolean}}

func (p *jsonParser) word() (jsonKind, error) {
	for _, word := range words {
		if bytes.HasPrefix(p.data[p.at:], []byte(word.text)) {
			p.at += len(word.text)
			return word.kind, nil
		}
	}
	return jsonNull, p.syntax("no JSON value begins here")
}

func (p *jsonParser) object(depth int) (jsonValue, error) {
	v := jsonValue{kind: jsonObject}
	var seen map[string]bool // only for large objects
	p.at++
	p.space()
	if p.next() == '}' {
		p.at++
		return v, nil
	}
	v.members = make([]jsonMember, 0, 6) // most of Kafka's objects fit
	for {
		if p.next() != '"' {
			return v, p.syntax("want a key in quotes")
		}
		start := p.at
		key, err := p.string()
		if err != nil {
			return v, err
		}
		if duplicate(v.members, &seen, key) {
			return v, &jsonDefect{problem: ProblemDuplicate, offset: start, detail: strconv.Quote(key)}
		}
		p.space()
		if p.next() != ':' {
			return v, p.syntax("want a colon after a key")
		}
		p.at++
		p.space()
		value, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.members = append(v.members, jsonMember{key, value})
		more, err := p.separator('}')
		if err != nil || !more {
			return v, err
		}
	}
}

// duplicate looks for key among the members; for more than a few it keeps a
// set, so that a topic of 60000 partitions is not read in quadratic time.
func duplicate(members []jsonMember, seen *map[string]bool, key string) bool {
	const few = 8
	if *seen == nil && len(members) >= few {
		*seen = make(map[string]bool, 4*few)
		for _, m := range members {
			(*seen)[m.key] = true
		}
	}
	if *seen != nil {
		found := (*seen)[key]
		(*seen)[key] = true
		return found
	}
	_, found := jsonValue{members: members}.member(key)
	return found
}

func (p *jsonParser) array(depth int) (jsonValue, error) {
	v := jsonValue{kind: jsonArray}
	p.at++
	p.space()
	if p.next() == ']' {
		p.at++
		return v, nil
	}
	v.elements = make([]jsonValue, 0, 4) // most lists of replicas fit
	for {
		element, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.elements = append(v.elements, element)
		more, err := p.separator(']')
		if err != nil || !more {
			return v, err
		}
	}
}

// separator takes a comma, and then there is more, or the end of a container.
func (p *jsonParser) separator(end byte) (more bool, err error) {
	p.space()
	switch p.next() {
	case ',':
		p.at++
		p.space()
		return true, nil
	case end:
		p.at++
		return false, nil
	}
	return false, p.syntax(fmt.Sprintf("want ',' or '%c'", end))
}

// number takes a number of JSON's grammar, which knows no leading zeros.
func (p *jsonParser) number() error {
	if p.next() == '-' {
		p.at++
	}
	switch {
	case p.next() == '0':
		p.at++
	case !p.digits():
		return p.syntax("want a digit")
	}
	if p.next() == '.' {
		p.at++
		if !p.digits() {
			return p.syntax("want a digit after the point")
		}
	}
	if c := p.next(); c == 'e' || c == 'E' {
		p.at++
		if c := p.next(); c == '+' || c == '-' {
			p.at++
		}
		if !p.digits() {
			return p.syntax("want a digit in the exponent")
		}
	}
	if '0' <= p.next() && p.next() <= '9' {
		return p.syntax("number with a leading zero")
	}
	return nil
}

func (p *jsonParser) digits() bool {
	start := p.at
	for '0' <= p.next() && p.next() <= '9' {
		p.at++
	}
	return p.at > start
}

// string takes a string and gives its content.
func (p *jsonParser) string() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.data) {
		switch c := p.data[p.at]; {
		case c == '"':
			content := p.data[start:p.at]
			if !utf8.Valid(content) {
				p.at = start
				return "", p.syntax("string is not UTF-8")
			}
			p.at++
			return string(content), nil
		case c == '\\':
			return p.escapedString(start)
		case c < ' ':
			return "", p.syntax("control character in a string")
		}
		p.at++
	}
	return "", p.syntax("string without end")
}

// escapedString takes the rest of a string whose first escape is at hand.
func (p *jsonParser) escapedString(start int) (string, error) {
	content := append([]byte(nil), p.data[start:p.at]...)
	for p.at < len(p.data) {
		c := p.data[p.at]
		switch {
		case c == '"':
			if !utf8.Valid(content) {
				p.at = start
				return "", p.syntax("string is not UTF-8")
			}
			p.at++
			return string(content), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			content = utf8.AppendRune(content, r)
			continue
		case c < ' ':
			return "", p.syntax("control character in a string")
		}
		content = append(content, c)
		p.at++
	}
	return "", p.syntax("string without end")
}

// simpleEscapes are the letters after a backslash and what they mean.
var simpleEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (p *jsonParser) escape() (rune, error) {
	p.at++
	c := p.next()
	if simple := simpleEscapes[c]; simple != 0 {
		p.at++
		return rune(simple), nil
	}
	if c != 'u' {
		return 0, p.syntax("unknown escape")
	}
	r, err := p.hexadecimal()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	// Half of a character beyond the basic plane: the other half must follow.
	if p.next() == '\\' {
		p.at++
		if p.next() == 'u' {
			low, err := p.hexadecimal()
			if err != nil {
				return 0, err
			}
			if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, nil
			}
		}
	}
	return 0, p.syntax("half of a surrogate pair")
}

// hexadecimal takes the letter u and its four digits.
func (p *jsonParser) hexadecimal() (rune, error) {
	p.at++
	if len(p.data)-p.at < 4 {
		return 0, p.syntax("escape is cut short")
	}
	n, err := strconv.ParseUint(string(p.data[p.at:p.at+4]), 16, 16)
	if err != nil {
		return 0, p.syntax("escape without four hexadecimal digits")
	}
	p.at += 4
	return rune(n), nil
}
