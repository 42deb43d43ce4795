package model

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// pairs are the parts of a secret that Kafka stores as one setting. Their
// errors name keys and never quote values.
type pairs struct {
	what   string
	values map[string]string
}

// parsePairs reads "key<between>value,…" with each required key once, and each
// optional one at most once.
func parsePairs(what, text, between string, required, optional []string) (pairs, error) {
	p := pairs{what: what, values: make(map[string]string, len(required))}
	for pair := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(pair, between)
		_, twice := p.values[key]
		switch {
		case !found:
			return pairs{}, fmt.Errorf("%s: a part has no %q", what, between)
		case !slices.Contains(required, key) && !slices.Contains(optional, key):
			return pairs{}, fmt.Errorf("%s: a key is none of %v", what, slices.Concat(required, optional))
		case twice:
			return pairs{}, fmt.Errorf("%s: %s stands twice", what, key)
		}
		p.values[key] = value
	}
	for _, key := range required {
		if _, ok := p.values[key]; !ok {
			return pairs{}, fmt.Errorf("%s: %s is missing", what, key)
		}
	}
	return p, nil
}

// binary decodes values in standard base64; absent keys stay as they are.
func (p pairs) binary(targets map[string]*[]byte) error {
	for key, target := range targets {
		text, ok := p.values[key]
		if !ok {
			continue
		}
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil || strings.ContainsAny(text, "\r\n") { // which Go skips and Java does not
			return fmt.Errorf("%s: %s is not base64", p.what, key)
		}
		*target = decoded
	}
	return nil
}

// numbers decodes values that are counts; absent keys stay as they are.
func (p pairs) numbers(targets map[string]*int32) error {
	for key, target := range targets {
		text, ok := p.values[key]
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("%s: %s is not a number of at least 0 that fits 32 bits", p.what, key)
		}
		*target = int32(n)
	}
	return nil
}
