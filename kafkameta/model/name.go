package model

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
)

// TopicNameLengthMax is the longest topic name in bytes. Kafka: Topic.java.
const TopicNameLengthMax = 249

// ValidateTopicName says why Kafka would not create a topic of this name.
// Kafka: Topic.java.
func ValidateTopicName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("topic name is empty")
	case name == "." || name == "..":
		return fmt.Errorf("topic name %q is reserved for paths", name)
	case len(name) > TopicNameLengthMax:
		return fmt.Errorf("topic name has %d characters, at most %d are allowed", len(name), TopicNameLengthMax)
	}
	for _, c := range name {
		if !isPlainNameRune(c) {
			return fmt.Errorf("topic name %q: character %q is not a letter, digit, '.', '_' or '-'", name, c)
		}
	}
	return nil
}

// isPlainNameRune says whether a character is legal in topic names, which is
// also whether Sanitize leaves it alone.
func isPlainNameRune(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}

// Sanitize gives the form in which user, client and principal names are
// stored: percent encoding of the UTF-8 bytes of all but letters, digits, '.',
// '-' and '_'. Kafka: Sanitizer.java.
func Sanitize(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c < 0x80 && isPlainNameRune(rune(c)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// Desanitize reads a stored name. As Java's URLDecoder it takes "+" for a
// space and leaves other bytes alone; a broken escape is an error.
func Desanitize(stored string) (string, error) {
	name, err := url.QueryUnescape(stored)
	if err != nil {
		return "", fmt.Errorf("decode name %q: %w", stored, err)
	}
	return name, nil
}

// UUID is an id of a topic or a cluster, written as 22 characters of URL-safe
// base64 without padding. Kafka: Uuid.java, CoreUtils.generateUuidAsBase64.
type UUID [16]byte

// ParseUUID reads the text of an id.
func ParseUUID(text string) (UUID, error) {
	var id UUID
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(decoded) != len(id) || len(text) != base64.RawURLEncoding.EncodedLen(len(id)) {
		return id, fmt.Errorf("id %q is not 16 bytes in URL-safe base64", text)
	}
	return UUID(decoded), nil
}

// IsZero says whether all bytes are zero, which no topic or cluster may have.
func (u UUID) IsZero() bool { return u == UUID{} }

// String gives the id as Kafka writes it.
func (u UUID) String() string { return base64.RawURLEncoding.EncodeToString(u[:]) }
