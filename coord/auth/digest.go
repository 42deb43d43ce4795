package auth

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"

	"kafkacoord/coord/wire"
)

// digests is the scheme digest: a client names user:password and is the id
// user:hash. Nothing is checked, a wrong password is just another id.
type digests struct {
	newHash func() hash.Hash
	super   string
}

// algorithms are the names under which Java knows the message digests.
var algorithms = map[string]func() hash.Hash{
	"MD5":         md5.New,
	"SHA":         sha1.New,
	"SHA1":        sha1.New,
	"SHA-1":       sha1.New,
	"SHA-224":     sha256.New224,
	"SHA224":      sha256.New224,
	"SHA-256":     sha256.New,
	"SHA256":      sha256.New,
	"SHA-384":     sha512.New384,
	"SHA384":      sha512.New384,
	"SHA-512":     sha512.New,
	"SHA512":      sha512.New,
	"SHA-512/224": sha512.New512_224,
	"SHA-512/256": sha512.New512_256,
	"SHA3-224":    func() hash.Hash { return sha3.New224() },
	"SHA3-256":    func() hash.Hash { return sha3.New256() },
	"SHA3-384":    func() hash.Hash { return sha3.New384() },
	"SHA3-512":    func() hash.Hash { return sha3.New512() },
}

func newDigests(algorithm, super string) (digests, error) {
	if algorithm == "" {
		algorithm = "SHA1"
	}
	newHash := algorithms[strings.ToUpper(algorithm)]
	if newHash == nil {
		return digests{}, fmt.Errorf("auth: unknown digest algorithm %q: set DigestAuthenticationProvider.digestAlg to a name like SHA1, SHA-256 or SHA3-256", algorithm)
	}
	return digests{newHash: newHash, super: super}, nil
}

// DigestID computes the id of the digest scheme for user:password with a Java
// digest algorithm, empty for SHA1: what ACL entries and superDigest contain.
func DigestID(userPassword, algorithm string) (string, error) {
	d, err := newDigests(algorithm, "")
	if err != nil {
		return "", err
	}
	return d.id(userPassword), nil
}

func (d digests) id(userPassword string) string {
	user, _, _ := strings.Cut(userPassword, ":")
	h := d.newHash()
	h.Write([]byte(userPassword))
	return user + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// Scheme implements Provider.
func (digests) Scheme() string { return SchemeDigest }

// Authenticate implements Provider. Data without a colon is a user with the
// hash of the whole, as in ZooKeeper; null data is an error.
func (d digests) Authenticate(data []byte, _ Peer) ([]wire.ID, error) {
	if data == nil {
		return nil, errors.New("no user and password given")
	}
	id := d.id(wire.TextOf(data))
	if d.super != "" && id == d.super {
		return []wire.ID{SuperID, {Scheme: SchemeDigest, ID: id}}, nil
	}
	return []wire.ID{{Scheme: SchemeDigest, ID: id}}, nil
}

// Valid implements Provider: after trailing empty pieces are dropped, exactly
// two pieces between colons remain.
func (digests) Valid(id string) bool {
	id = strings.TrimRight(id, ":")
	return strings.Count(id, ":") == 1
}

// Matches implements Provider.
func (digests) Matches(id, entry string) bool { return id == entry }

// Authenticated implements Provider.
func (digests) Authenticated() bool { return true }

// UserName implements Provider.
func (digests) UserName(id string) string {
	user, _, _ := strings.Cut(id, ":")
	return user
}
