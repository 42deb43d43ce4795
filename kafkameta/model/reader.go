package model

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// reader reads one payload and remembers the first thing that is wrong with
// it, so that a Parse function checks once, at its end.
type reader struct {
	path string
	kind Kind
	err  *Error // the value cannot be used
	odd  *Error // the value can be used: a Readable error
}

func (r *reader) fail(problem Problem, field, detail string) {
	if r.err == nil {
		r.err = &Error{Path: r.path, Kind: r.kind, Problem: problem, Field: field, Detail: detail}
	}
}

func (r *reader) doubt(problem Problem, field, detail string) {
	if r.odd == nil {
		r.odd = &Error{Path: r.path, Kind: r.kind, Problem: problem, Field: field, Detail: detail}
	}
}

// finish gives the result of a Parse function.
func finish[T any](r *reader, v *T) (*T, error) {
	switch {
	case r.err != nil:
		return nil, r.err
	case r.odd != nil:
		return v, r.odd
	default:
		return v, nil
	}
}

func readable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Readable()
}

// present refuses null and empty data.
func (r *reader) present(data []byte) bool {
	switch {
	case data == nil:
		r.fail(ProblemNull, "", "")
	case len(data) == 0:
		r.fail(ProblemEmpty, "", "")
	}
	return r.err == nil
}

// json reads the whole payload as JSON.
func (r *reader) json(data []byte) (jsonValue, bool) {
	if !r.present(data) {
		return jsonValue{}, false
	}
	v, err := parseJSON(data)
	if defect, ok := errors.AsType[*jsonDefect](err); ok {
		r.fail(defect.problem, "", defect.detail)
		r.err.Offset = defect.offset
	}
	return v, err == nil
}

// readObject begins to read a payload that must be a JSON object.
func readObject(path string, kind Kind, data []byte) (*reader, object) {
	r := &reader{path: path, kind: kind}
	v, ok := r.json(data)
	if !ok {
		return r, object{r: r}
	}
	return r, r.object("", v)
}

// readText begins to read a payload of plain text.
func readText(path string, kind Kind, data []byte) (*reader, string) {
	r := &reader{path: path, kind: kind}
	if r.present(data) && len(data) > DataBytesMax {
		r.fail(ProblemLimit, "", fmt.Sprintf("%d bytes, at most %d are read", len(data), DataBytesMax))
	}
	return r, string(data)
}

// integer reads a decimal as Java's parsers do, a sign included.
func (r *reader) integer(field, text string, low, high int64) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && (n < low || n > high):
		r.fail(ProblemRange, field, fmt.Sprintf("%s is not within %d to %d", shorten(text), low, high))
	case err != nil:
		r.fail(ProblemSyntax, field, fmt.Sprintf("%q is not a plain decimal", shorten(text)))
	}
	return n
}

// object is a JSON object that is being read. After a failure its methods give
// zero values.
type object struct {
	r       *reader
	field   string // where it stands, for messages
	members jsonValue
}

func (r *reader) object(field string, v jsonValue) object {
	if v.kind != jsonObject {
		r.wrongType(field, jsonObject, v)
	}
	return object{r: r, field: field, members: v}
}

func (r *reader) wrongType(field string, want jsonKind, got jsonValue) {
	r.fail(ProblemType, field, fmt.Sprintf("want %s, found %s %s", want, got.kind, shorten(string(got.text))))
}

// shorten bounds what messages quote.
func shorten(text string) string {
	const longest = 40
	if len(text) <= longest {
		return text
	}
	return text[:longest] + "…"
}

// name gives the full name of a member, for messages.
func (o object) name(key string) string {
	if o.field == "" {
		return key
	}
	return o.field + "." + key
}

func (o object) has(key string) bool {
	_, ok := o.members.member(key)
	return ok
}

// required gives a member that must be there.
func (o object) required(key string) (jsonValue, bool) {
	v, ok := o.members.member(key)
	if !ok {
		o.r.fail(ProblemMissing, o.name(key), "")
	}
	return v, ok && o.r.err == nil
}

// version reads the member version, doubts one that Kafka never wrote and
// gives zero for none.
func (o object) version(low, high int32) int32 {
	if !o.has("version") {
		if o.r.err == nil {
			o.r.doubt(ProblemVersion, o.name("version"), "there is none")
		}
		return 0
	}
	version := o.int32("version")
	if version < low || version > high {
		o.r.doubt(ProblemVersion, o.name("version"), fmt.Sprintf("%d, Kafka wrote %d to %d", version, low, high))
	}
	return version
}

func (o object) int32(key string) int32 {
	return int32(o.integer(key, math.MinInt32, math.MaxInt32))
}

func (o object) int64(key string) int64 { return o.integer(key, math.MinInt64, math.MaxInt64) }

// id is an int that must not be negative.
func (o object) id(key string) int32 { return int32(o.integer(key, 0, math.MaxInt32)) }

func (o object) integer(key string, low, high int64) int64 {
	v, ok := o.required(key)
	if !ok {
		return 0
	}
	return o.r.jsonInteger(o.name(key), v, low, high)
}

// jsonInteger reads a number without fraction or exponent: Kafka's decoder
// takes no other for an int.
func (r *reader) jsonInteger(field string, v jsonValue, low, high int64) int64 {
	if v.kind != jsonNumber {
		r.wrongType(field, jsonNumber, v)
		return 0
	}
	n, err := strconv.ParseInt(string(v.text), 10, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		r.fail(ProblemType, field, fmt.Sprintf("want an integer, found %s", shorten(string(v.text))))
	case err != nil || n < low || n > high:
		r.fail(ProblemRange, field, fmt.Sprintf("%s is not within %d to %d", shorten(string(v.text)), low, high))
	}
	return n
}

func (o object) string(key string) string {
	v, ok := o.required(key)
	if !ok {
		return ""
	}
	return o.r.jsonString(o.name(key), v)
}

func (r *reader) jsonString(field string, v jsonValue) string {
	if v.kind != jsonString {
		r.wrongType(field, jsonString, v)
	}
	return v.content
}

// optionalString gives "" for a member that is absent.
func (o object) optionalString(key string) string {
	if !o.has(key) {
		return ""
	}
	return o.string(key)
}

// decimalString reads a number that Kafka writes in quotes.
func (o object) decimalString(key string) int64 {
	v, ok := o.required(key)
	if !ok {
		return 0
	}
	content := o.r.jsonString(o.name(key), v)
	if o.r.err != nil {
		return 0
	}
	return o.r.integer(o.name(key), content, math.MinInt64, math.MaxInt64)
}

// object reads a member that must be an object.
func (o object) object(key string) object {
	v, ok := o.required(key)
	if !ok {
		return object{r: o.r}
	}
	return o.r.object(o.name(key), v)
}

// optionalObject gives an empty object for a member that is absent.
func (o object) optionalObject(key string) object {
	if !o.has(key) {
		return object{r: o.r, field: o.name(key)}
	}
	return o.object(key)
}

// readMembers reads an object of equal members into a map.
func readMembers[V any](o object, read func(field string, v jsonValue) V) map[string]V {
	m := make(map[string]V, len(o.members.members))
	for _, member := range o.members.members {
		m[member.key] = read(o.name(member.key), member.value)
	}
	return m
}

// readElements reads a required array of equal elements.
func readElements[V any](o object, key string, read func(field string, v jsonValue) V) []V {
	v, ok := o.required(key)
	if !ok {
		return nil
	}
	return readArray(o.r, o.name(key), v, read)
}

func readArray[V any](r *reader, field string, v jsonValue, read func(field string, v jsonValue) V) []V {
	if v.kind != jsonArray {
		r.wrongType(field, jsonArray, v)
		return nil
	}
	elements := make([]V, len(v.elements))
	for i, element := range v.elements {
		elements[i] = read(field+"["+strconv.Itoa(i)+"]", element)
	}
	return elements
}

// brokerIDs reads an array of broker ids. Negative ones are kept: they decode
// in Kafka too, and are for the rules to find. It is the hot spot when a large
// cluster is loaded, so it names elements only to complain of them.
func (r *reader) brokerIDs(field string, v jsonValue) []int32 {
	if v.kind != jsonArray {
		r.wrongType(field, jsonArray, v)
		return nil
	}
	ids := make([]int32, len(v.elements))
	for i, element := range v.elements {
		n, err := strconv.ParseInt(string(element.text), 10, 32)
		if err != nil || element.kind != jsonNumber {
			r.jsonInteger(field+"["+strconv.Itoa(i)+"]", element, math.MinInt32, math.MaxInt32)
		}
		ids[i] = int32(n)
	}
	return ids
}

// isNull says whether a member is there and null.
func (o object) isNull(key string) bool {
	v, ok := o.members.member(key)
	return ok && v.kind == jsonNull
}
