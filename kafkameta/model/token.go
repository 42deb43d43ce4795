package model

import "fmt"

// The versions of delegation tokens; 2 was never written. Kafka:
// DelegationTokenManagerZk.scala.
const (
	DelegationTokenVersionMin = 1 // 1.1
	DelegationTokenVersionMax = 3 // 3.3 and later: requester
)

// DelegationToken is the record of a token at /delegation_token/tokens/ID. The
// HMAC is not in it: brokers compute it from the id and their secret, so that
// the id alone is as good as a password for who knows the secret.
type DelegationToken struct {
	Version   int32
	Owner     string // principal, as "User:alice"
	Requester string // since version 3: who asked for it on behalf of the owner; "" when absent
	Renewers  []string
	Issued    int64 // ms since 1970, as the next two
	Max       int64 // no renewal goes beyond
	Expiry    int64
	ID        string // equals the node's name

	source []byte
}

// ParseDelegationToken reads a token. Principals are stored sanitized and come
// back decoded.
func ParseDelegationToken(path string, data []byte) (*DelegationToken, error) {
	r, o := readObject(path, KindDelegationToken, data)
	t := &DelegationToken{source: data, Version: o.version(DelegationTokenVersionMin, DelegationTokenVersionMax)}
	if t.Version == 2 {
		r.doubt(ProblemVersion, "version", "2 was never written")
	}
	if owner, ok := o.required("owner"); ok {
		t.Owner = r.principal("owner", owner)
	}
	if requester, ok := o.members.member("tokenRequester"); ok {
		t.Requester = r.principal("tokenRequester", requester)
	}
	t.Renewers = readElements(o, "renewers", r.principal)
	t.Issued, t.Max, t.Expiry, t.ID = o.int64("issueTimestamp"), o.int64("maxTimestamp"), o.int64("expiryTimestamp"), o.string("tokenId")
	return finish(r, t)
}

// principal reads a sanitized principal.
func (r *reader) principal(field string, v jsonValue) string {
	principal, err := Desanitize(r.jsonString(field, v))
	if err != nil {
		r.fail(ProblemRange, field, fmt.Sprintf("%q has a broken percent escape", shorten(v.content)))
	}
	return principal
}

// Kind is KindDelegationToken.
func (t *DelegationToken) Kind() Kind { return KindDelegationToken }

// Encode gives the payload.
func (t *DelegationToken) Encode() ([]byte, error) {
	return encodeDocument(t.source, t, ParseDelegationToken)
}

func (t *DelegationToken) document() jsonValue {
	principal := func(name string) jsonValue { return stringJSON(Sanitize(name)) }
	members := []jsonMember{{"issueTimestamp", intJSON(t.Issued)}, {"renewers", arrayJSON(t.Renewers, principal)}}
	if t.Requester != "" {
		members = append(members, jsonMember{"tokenRequester", principal(t.Requester)})
	}
	return objectJSON(append(members, jsonMember{"tokenId", stringJSON(t.ID)}, jsonMember{"owner", principal(t.Owner)},
		jsonMember{"expiryTimestamp", intJSON(t.Expiry)}, jsonMember{"maxTimestamp", intJSON(t.Max)}, jsonMember{"version", intJSON(t.Version)})...)
}

// TokenChange says which token changed, at
// /delegation_token/token_changes/token_change_N: its id in plain text.
type TokenChange struct {
	ID string

	source []byte
}

// ParseTokenChange reads a notification.
func ParseTokenChange(path string, data []byte) (*TokenChange, error) {
	r, id := readText(path, KindTokenChange, data)
	return finish(r, &TokenChange{source: data, ID: id})
}

// Kind is KindTokenChange.
func (c *TokenChange) Kind() Kind { return KindTokenChange }

// Encode gives the payload.
func (c *TokenChange) Encode() ([]byte, error) { return encodeText(c.source, c, ParseTokenChange) }

func (c *TokenChange) text() string { return c.ID }
