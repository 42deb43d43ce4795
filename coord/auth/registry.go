package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"kafkacoord/coord/wire"
)

// Scheme names with a meaning of their own. Of these only digest and ip are
// providers: nobody authenticates as world or auth, and super is not settable.
const (
	SchemeWorld  = "world"
	SchemeAuth   = "auth"
	SchemeSuper  = "super"
	SchemeDigest = "digest"
	SchemeIP     = "ip"
)

// SuperID is the identity that passes every check. Digest and sasl supers have
// it; an x509 super has the scheme with another name.
var SuperID = wire.ID{Scheme: SchemeSuper}

// Peer is what a provider may know of the connection that authenticates.
type Peer struct {
	Addr netip.Addr // of the client
}

// Provider is one authentication scheme (ZooKeeper: AuthenticationProvider).
// Its methods are called by several goroutines and must not keep state.
type Provider interface {
	// Scheme is the name used in identities and ACL entries.
	Scheme() string
	// Authenticate answers an addauth request with the identities gained. Any
	// error is AUTHFAILED to the client, whose connection is then closed. The
	// data aliases a network buffer.
	Authenticate(data []byte, from Peer) ([]wire.ID, error)
	// Valid tells whether id may stand in an ACL entry of this scheme.
	Valid(id string) bool
	// Matches tells whether a client with the given id of this scheme meets an
	// ACL entry.
	Matches(id, entry string) bool
	// Authenticated tells whether the scheme proves who a client is, so that
	// its ids replace auth entries. An address, for one, does not.
	Authenticated() bool
	// UserName is the part of an id to show to people.
	UserName(id string) string
}

// Config is what an operator may set about authentication.
type Config struct {
	// DigestEnabled registers the digest scheme. ZooKeeper's default is true
	// (DigestAuthenticationProvider.enabled).
	DigestEnabled bool
	// DigestAlgorithm is a Java message digest name such as SHA1 or SHA-256;
	// empty is SHA1 (DigestAuthenticationProvider.digestAlg).
	DigestAlgorithm string
	// SuperDigest is the digest id, user:base64, that makes a client super;
	// empty is nobody (DigestAuthenticationProvider.superDigest).
	SuperDigest string
	// SkipACL lets every check pass (skipACL=yes). Lists are normalised and
	// refused all the same.
	SkipACL bool
	// EnforceAuth makes every connection prove an identity of one of
	// EnforceSchemes before its first request (enforce.auth.enabled and
	// enforce.auth.schemes; sessionRequireClientSASLAuth is both with sasl).
	EnforceAuth    bool
	EnforceSchemes []string
}

// Registry holds the providers of a server and decides with them.
type Registry struct {
	providers map[string]Provider
	skipACL   bool
	enforced  []string // schemes, nil when nothing is enforced
}

// ErrUnknownScheme is returned for an addauth of a scheme nobody provides.
var ErrUnknownScheme = errors.New("auth: no provider for scheme")

// New builds a registry of the built-in schemes and the given providers, a
// later one replacing an earlier one of the same scheme. It fails when the
// digest algorithm is unknown or authentication is enforced with no scheme or
// with one that no provider serves.
func New(c Config, more ...Provider) (*Registry, error) {
	r := &Registry{providers: map[string]Provider{SchemeIP: addresses{}}, skipACL: c.SkipACL}
	if c.DigestEnabled {
		d, err := newDigests(c.DigestAlgorithm, c.SuperDigest)
		if err != nil {
			return nil, err
		}
		r.providers[SchemeDigest] = d
	}
	for _, p := range more {
		r.providers[p.Scheme()] = p
	}
	if !c.EnforceAuth {
		return r, nil
	}
	if len(c.EnforceSchemes) == 0 {
		return nil, errors.New("auth: authentication is enforced without naming a scheme: set enforce.auth.schemes")
	}
	for _, s := range c.EnforceSchemes {
		if r.providers[s] == nil {
			return nil, fmt.Errorf("auth: authentication is enforced for scheme %q, which no provider serves: correct enforce.auth.schemes or configure the provider", s)
		}
	}
	r.enforced = slices.Clone(c.EnforceSchemes)
	return r, nil
}

// Authenticate handles an addauth request and returns the identities that the
// connection gains; Merge adds them. On an error the client is answered
// wire.AuthFailed and disconnected.
func (r *Registry) Authenticate(scheme string, data []byte, from Peer) ([]wire.ID, error) {
	p := r.providers[scheme]
	if p == nil {
		return nil, fmt.Errorf("%w %q", ErrUnknownScheme, scheme)
	}
	ids, err := p.Authenticate(data, from)
	if err != nil {
		return nil, fmt.Errorf("auth: authenticate by scheme %q: %w", scheme, err)
	}
	return ids, nil
}

// UserName is the part of an identity that whoAmI shows: for digest the user
// without the hash; empty for schemes without provider, such as super.
func (r *Registry) UserName(id wire.ID) string {
	if p := r.providers[id.Scheme]; p != nil {
		return p.UserName(id.ID)
	}
	return ""
}

// MayRequest tells whether a connection with these identities may send requests
// other than auth and sasl. False is wire.SessionClosedNeedsAuth, then close.
func (r *Registry) MayRequest(ids []wire.ID) bool {
	if r.enforced == nil {
		return true
	}
	return slices.ContainsFunc(ids, func(id wire.ID) bool { return slices.Contains(r.enforced, id.Scheme) })
}

// MaxIDs is how many identities one connection may collect. ZooKeeper has no
// such limit; every check walks them all.
const MaxIDs = 1024

// Merge returns ids with those of more that it lacks, and false when that would
// exceed MaxIDs, which callers treat like a failed authentication. Ids is not
// changed, so requests under way keep what they were captured with.
func Merge(ids, more []wire.ID) ([]wire.ID, bool) {
	out := slices.Clip(ids)
	for _, id := range more {
		if slices.Contains(out, id) {
			continue
		}
		if len(out) >= MaxIDs {
			return ids, false
		}
		out = append(out, id)
	}
	return out, true
}
