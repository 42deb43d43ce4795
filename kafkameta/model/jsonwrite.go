package model

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
)

// The functions below build values for writing.

func intJSON[T ~int32 | ~int64](n T) jsonValue {
	return jsonValue{kind: jsonNumber, text: strconv.AppendInt(nil, int64(n), 10)}
}

func stringJSON(s string) jsonValue {
	return jsonValue{kind: jsonString, text: appendJSONString(nil, s), content: s}
}

// decimalStringJSON is for the numbers that Kafka writes in quotes.
func decimalStringJSON(n int64) jsonValue { return stringJSON(strconv.FormatInt(n, 10)) }

func nullJSON() jsonValue { return jsonValue{kind: jsonNull, text: []byte("null")} }

func arrayJSON[T any](items []T, build func(T) jsonValue) jsonValue {
	v := jsonValue{kind: jsonArray, elements: make([]jsonValue, len(items))}
	for i, item := range items {
		v.elements[i] = build(item)
	}
	return v
}

func objectJSON(members ...jsonMember) jsonValue {
	return jsonValue{kind: jsonObject, members: members}
}

// appendJSON writes a value: parsed ones as they were written, built ones
// without white space, as Jackson does.
func appendJSON(dst []byte, v jsonValue) []byte {
	switch {
	case v.text != nil:
		return append(dst, v.text...)
	case v.kind == jsonArray:
		dst = append(dst, '[')
		for i, element := range v.elements {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, element)
		}
		return append(dst, ']')
	default:
		dst = append(dst, '{')
		for i, m := range v.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSONString(dst, m.key)
			dst = append(dst, ':')
			dst = appendJSON(dst, m.value)
		}
		return append(dst, '}')
	}
}

// appendJSONString escapes what Jackson escapes when it writes bytes: quotes,
// backslashes, control characters, and characters beyond the basic plane as
// surrogate pairs. Bytes that are not UTF-8 become U+FFFD, as in Java.
func appendJSONString(dst []byte, s string) []byte {
	const letters = "btn\x00fr" // of \b to \r; there is none for \v
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case '\b' <= r && r <= '\r' && r != '\v':
			dst = append(dst, '\\', letters[r-'\b'])
		case r < ' ':
			dst = fmt.Appendf(dst, `\u%04X`, r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			dst = fmt.Appendf(dst, `\u%04X\u%04X`, high, low)
		default:
			dst = append(dst, string(r)...)
		}
	}
	return append(dst, '"')
}

// mergeJSON carries a change over to what was read: original is the parsed
// text, old what the typed fields held then in canonical form, current what
// they hold now. What did not change keeps its text, members that old does not
// know stay where they are, and new members come last.
func mergeJSON(original, old, current jsonValue) jsonValue {
	switch {
	case sameJSON(old, current):
		return original
	case original.kind != old.kind || old.kind != current.kind:
		return current
	case current.kind == jsonObject:
		return mergeObjects(original, old, current)
	case current.kind == jsonArray:
		return mergeArrays(original, old, current)
	default:
		return current
	}
}

func mergeObjects(original, old, current jsonValue) jsonValue {
	merged := jsonValue{kind: jsonObject}
	for _, m := range original.members {
		was, known := old.member(m.key)
		is, stays := current.member(m.key)
		switch {
		case known && stays:
			merged.members = append(merged.members, jsonMember{m.key, mergeJSON(m.value, was, is)})
		case stays:
			merged.members = append(merged.members, jsonMember{m.key, is})
		case !known:
			merged.members = append(merged.members, m)
		}
	}
	for _, m := range current.members {
		_, written := original.member(m.key)
		was, implied := old.member(m.key)
		if !written && !(implied && sameJSON(was, m.value)) {
			merged.members = append(merged.members, m)
		}
	}
	return merged
}

// mergeArrays keeps the text of elements that are still there.
func mergeArrays(original, old, current jsonValue) jsonValue {
	if len(original.elements) != len(old.elements) {
		return current
	}
	texts := make(map[string]jsonValue, len(old.elements))
	for i, element := range old.elements {
		texts[string(appendJSON(nil, element))] = original.elements[i]
	}
	merged := jsonValue{kind: jsonArray, elements: slices.Clone(current.elements)}
	for i, element := range merged.elements {
		if kept, ok := texts[string(appendJSON(nil, element))]; ok {
			merged.elements[i] = kept
		}
	}
	return merged
}

// sameJSON compares built values.
func sameJSON(a, b jsonValue) bool {
	return bytes.Equal(appendJSON(nil, a), appendJSON(nil, b))
}
