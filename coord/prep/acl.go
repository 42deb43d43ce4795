package prep

import (
	"slices"
	"strings"

	"kafkacoord/coord/wire"
)

// isOpen tells whether a list is world:anyone with all permissions, the common
// case.
func isOpen(acl []wire.ACL) bool {
	return len(acl) == 1 && acl[0].Perms == wire.PermAll && acl[0].ID == wire.AnyoneID
}

// normalACL is the list that is stored for the one a client sent.
func (p *Prep) normalACL(acl []wire.ACL, ids []wire.ID) ([]wire.ACL, wire.Code) {
	if isOpen(acl) {
		return wire.OpenACL, wire.OK
	}
	return p.auth.Normalize(acl, ids)
}

// setList gives a pending state its list, which may alias a request. Most lists
// of one client are equal, so the last copy is shared.
func (p *Prep) setList(s *state, acl []wire.ACL) {
	s.open, s.acl = isOpen(acl), nil
	if s.open {
		return
	}
	if !slices.Equal(p.lastACL, acl) {
		p.lastACL = slices.Clone(acl)
		for i := range p.lastACL {
			id := &p.lastACL[i].ID
			id.Scheme, id.ID = strings.Clone(id.Scheme), strings.Clone(id.ID)
		}
	}
	s.acl = p.lastACL
}
