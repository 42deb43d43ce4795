package auth

import (
	"slices"
	"strings"

	"kafkacoord/coord/wire"
)

// Check tells whether a list grants one of the bits of perm to a client with
// these identities; false is wire.NoAuth. A null or empty list grants
// everything, and so does any identity of scheme super.
// ZooKeeper: ZooKeeperServer.java checkACL.
func (r *Registry) Check(acl []wire.ACL, perm int32, ids []wire.ID) bool {
	if r.skipACL || len(acl) == 0 {
		return true
	}
	for i := range acl {
		if acl[i].Perms&perm != 0 && acl[i].ID == wire.AnyoneID {
			return true
		}
	}
	for i := range ids {
		if ids[i].Scheme == SchemeSuper {
			return true
		}
	}
	for i := range acl {
		if acl[i].Perms&perm != 0 && r.matchesAny(&acl[i].ID, ids) {
			return true
		}
	}
	return false
}

func (r *Registry) matchesAny(entry *wire.ID, ids []wire.ID) bool {
	p := r.providers[entry.Scheme]
	if p == nil {
		return false
	}
	for i := range ids {
		if ids[i].Scheme == entry.Scheme && p.Matches(ids[i].ID, entry.ID) {
			return true
		}
	}
	return false
}

// Normalize turns the list of a create or setACL request into the one to store:
// exact duplicates dropped, auth entries replaced by the client's proven
// identities, everything else checked. The code is wire.OK or wire.InvalidACL.
//
// A list that needs no change is returned as it is, world:anyone with all
// permissions as wire.OpenACL; strings may alias those of acl and ids.
// ZooKeeper: PrepRequestProcessor.java fixupACL.
func (r *Registry) Normalize(acl []wire.ACL, ids []wire.ID) ([]wire.ACL, wire.Code) {
	if len(acl) == 1 && acl[0] == wire.OpenACL[0] {
		return wire.OpenACL, wire.OK
	}
	if len(acl) == 0 {
		return nil, wire.InvalidACL
	}
	acl = withoutDuplicates(acl)
	expand := false
	for i := range acl {
		switch id := &acl[i].ID; {
		case *id == wire.AnyoneID:
		case id.Scheme == SchemeAuth:
			expand = true
		default:
			if p := r.providers[id.Scheme]; p == nil || !p.Valid(id.ID) {
				return nil, wire.InvalidACL
			}
		}
	}
	if !expand {
		if len(acl) == 1 && acl[0] == wire.OpenACL[0] {
			return wire.OpenACL, wire.OK
		}
		return acl, wire.OK
	}
	return r.expandAuth(acl, ids)
}

// expandAuth replaces each auth entry by one entry per proven identity. A
// client without any may not use auth entries.
func (r *Registry) expandAuth(acl []wire.ACL, ids []wire.ID) ([]wire.ACL, wire.Code) {
	proven := make([]wire.ID, 0, len(ids))
	for _, id := range ids {
		if p := r.providers[id.Scheme]; p != nil && p.Authenticated() {
			proven = append(proven, id)
		}
	}
	if len(proven) == 0 {
		return nil, wire.InvalidACL
	}
	out := make([]wire.ACL, 0, len(acl)+len(proven)-1)
	for _, a := range acl {
		if a.ID.Scheme != SchemeAuth {
			out = append(out, a)
			continue
		}
		if len(out)+len(proven) > maxEntries {
			return nil, wire.InvalidACL
		}
		for _, id := range proven {
			out = append(out, wire.ACL{Perms: a.Perms, ID: id})
		}
	}
	return out, wire.OK
}

// maxEntries bounds a list after expansion: as many entries as a request of the
// default largest size can carry. Without a bound, many auth entries times many
// identities make a small request a transaction that no log can hold.
const maxEntries = wire.DefaultMaxBuffer / 12

// fewEntries is up to where comparing each with each beats a map.
const fewEntries = 16

func withoutDuplicates(acl []wire.ACL) []wire.ACL {
	if len(acl) <= fewEntries {
		for i := range acl {
			if slices.Contains(acl[:i], acl[i]) {
				return keepFirst(acl)
			}
		}
		return acl
	}
	seen := make(map[wire.ACL]struct{}, len(acl))
	for i := range acl {
		seen[acl[i]] = struct{}{}
	}
	if len(seen) == len(acl) {
		return acl
	}
	return keepFirst(acl)
}

func keepFirst(acl []wire.ACL) []wire.ACL {
	seen := make(map[wire.ACL]struct{}, len(acl))
	out := make([]wire.ACL, 0, len(acl))
	for _, a := range acl {
		if _, again := seen[a]; !again {
			seen[a] = struct{}{}
			out = append(out, a)
		}
	}
	return out
}

// Mask hides the hashes of digest entries, for a getACL by a client without the
// ADMIN permission: everything from the first colon becomes ":x". A list
// without digest entries is returned as it is.
// ZooKeeper: FinalRequestProcessor.java.
func Mask(acl []wire.ACL) []wire.ACL {
	isDigest := func(a wire.ACL) bool { return a.ID.Scheme == SchemeDigest }
	if !slices.ContainsFunc(acl, isDigest) {
		return acl
	}
	out := slices.Clone(acl)
	for i := range out {
		if !isDigest(out[i]) {
			continue
		}
		if user, _, found := strings.Cut(out[i].ID.ID, ":"); found {
			out[i].ID.ID = user + ":x"
		}
	}
	return out
}
