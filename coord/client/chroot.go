package client

import (
	"strings"

	"kafkacoord/coord/wire"
)

// chroot is the prefix of all paths, "" for none.
type chroot string

// outer makes the server's path of a client's path.
func (c chroot) outer(path string) string {
	if c != "" && path == "/" {
		return string(c)
	}
	return string(c) + path
}

// inner makes the client's path of a server's path. One that is not below the
// chroot is left as it is.
func (c chroot) inner(path string) string {
	if c == "" {
		return path
	}
	rest, ok := strings.CutPrefix(path, string(c))
	switch {
	case ok && rest == "":
		return "/"
	case ok && rest[0] == '/':
		return rest
	}
	return path
}

// request returns what to send for r. r itself is not changed.
func (c chroot) request(r *wire.Request) *wire.Request {
	if c == "" {
		return r
	}
	out := *r
	switch r.Op {
	case wire.OpMulti, wire.OpMultiRead:
		out.Subs = make([]wire.Request, len(r.Subs))
		for i := range r.Subs {
			out.Subs[i] = r.Subs[i]
			out.Subs[i].Path = c.outer(r.Subs[i].Path)
		}
	case wire.OpGetEphemerals:
		// A prefix, not a path: with the slash it cannot match a sibling.
		out.Path = string(c) + "/" + strings.TrimPrefix(r.Path, "/")
	case wire.OpWhoAmI, wire.OpSASL, wire.OpReconfig, wire.OpAuth:
	default:
		out.Path = c.outer(r.Path)
	}
	return &out
}

// reply takes the chroot off the paths of a reply to op.
func (c chroot) reply(op wire.Op, r *wire.Reply) {
	if c == "" {
		return
	}
	if r.Path != "" {
		r.Path = c.inner(r.Path)
	}
	if op == wire.OpGetEphemerals {
		for i, path := range r.Children {
			r.Children[i] = c.inner(path)
		}
	}
	for i := range r.Results {
		if p := &r.Results[i].Reply.Path; *p != "" {
			*p = c.inner(*p)
		}
	}
}
