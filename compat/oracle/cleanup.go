package oracle

import (
	"errors"
	"fmt"
	"strings"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
)

// purgeRounds bounds how often the removal of a tree is repeated.
const purgeRounds = 3

// begin starts the counting of a seed and makes its root.
func (s *side) begin(root string) error {
	s.sessions = s.sessions[:0]
	s.slots = [slots]connection{}
	clear(s.ended)
	s.norm.start()
	for _, path := range []string{"/", wire.ReservedPath, wire.QuotaPath, wire.ConfigPath} {
		reply, err := s.do(&wire.Request{Op: wire.OpExists, Path: path})
		if err != nil {
			return err
		}
		s.norm.before[path] = reply.Stat
	}
	reply, err := s.do(&wire.Request{Op: wire.OpGetAllChildrenNumber, Path: "/"})
	if err != nil {
		return err
	}
	s.norm.descendants = reply.Number
	zxid, err := s.lastZxid()
	if err != nil {
		return err
	}
	s.steps.start(zxid)
	_, err = s.do(&wire.Request{Op: wire.OpCreate, Path: root, ACL: wire.OpenACL})
	return err
}

// end closes all sessions of a seed and removes its nodes.
func (s *side) end(root string) error {
	for i := range s.slots {
		s.cut(i)
	}
	for _, id := range s.sessions {
		if err := s.closeSession(id); err != nil {
			return err
		}
	}
	for _, path := range []string{root, wire.QuotaPath + root} {
		if err := s.purge(path); err != nil {
			return err
		}
	}
	reply, err := s.do(&wire.Request{Op: wire.OpGetAllChildrenNumber, Path: "/"})
	if err != nil {
		return err
	}
	if reply.Number != s.norm.descendants {
		return fmt.Errorf("oracle: %s has %d nodes after the seed and had %d before", s.name, reply.Number, s.norm.descendants)
	}
	return nil
}

// closeSession ends a session, unless it is over already.
func (s *side) closeSession(id wire.SessionID) error {
	password := wire.SessionPassword(id)
	conn, answer, err := rawclient.Attach(s.addr, wire.ConnectRequest{
		Timeout: sessionTimeoutMillis, SessionID: id, Password: password[:], HasReadOnly: true,
	})
	if errors.Is(err, rawclient.ErrClosed) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("oracle: end session %s on %s: %w", id, s.name, err)
	}
	defer func() { _ = conn.Close() }()
	if answer.Refused() {
		return nil
	}
	if _, _, err = conn.Do(1, wire.OpCloseSession, nil); err != nil {
		return fmt.Errorf("oracle: end session %s on %s: %w", id, s.name, err)
	}
	return nil
}

// do runs a request of our own that must succeed.
func (s *side) do(r *wire.Request) (wire.Reply, error) {
	f, _, err := s.control.Request(1, r)
	if err != nil {
		return wire.Reply{}, fmt.Errorf("oracle: %s %s on %s: %w", r.Op, r.Path, s.name, err)
	}
	if f.Header.Err != wire.OK {
		return wire.Reply{}, fmt.Errorf("oracle: %s %s on %s: %w", r.Op, r.Path, s.name, f.Header.Err)
	}
	return wire.DecodeReply(r.Op, f.Body)
}

// purge removes a tree, pipelined.
func (s *side) purge(top string) error {
	var err error
	for range purgeRounds {
		var paths []string
		paths, err = s.descendants(top)
		if err != nil || len(paths) == 0 {
			return err
		}
		s.out = s.out[:0]
		for i := len(paths) - 1; i >= 0; i-- {
			s.out = wire.AppendRequestFrame(s.out, int32(i), &wire.Request{Op: wire.OpDelete, Path: paths[i], Version: -1})
		}
		if err = s.control.SendBytes(s.out); err != nil {
			return err
		}
		for i := len(paths) - 1; i >= 0; i-- {
			f, _, recvErr := s.control.RecvReply()
			if recvErr != nil {
				return fmt.Errorf("oracle: delete %s on %s: %w", paths[i], s.name, recvErr)
			}
			if f.Header.Err != wire.OK && f.Header.Err != wire.NoNode {
				err = fmt.Errorf("oracle: delete %s on %s: %w", paths[i], s.name, f.Header.Err)
			}
		}
		if err == nil {
			return nil
		}
	}
	return err
}

// descendants lists a node and all below it, parents first; none if it is absent.
func (s *side) descendants(top string) ([]string, error) {
	paths := []string{top}
	for i := 0; i < len(paths); i++ {
		f, _, err := s.control.Request(1, &wire.Request{Op: wire.OpGetChildren, Path: paths[i]})
		if err != nil {
			return nil, fmt.Errorf("oracle: list %s on %s: %w", paths[i], s.name, err)
		}
		if f.Header.Err == wire.NoNode && i == 0 {
			return nil, nil
		}
		reply, err := wire.DecodeReply(wire.OpGetChildren, f.Body)
		if err != nil {
			return nil, fmt.Errorf("oracle: list %s on %s: %w", paths[i], s.name, err)
		}
		for _, name := range reply.Children {
			paths = append(paths, strings.TrimSuffix(paths[i], "/")+"/"+name)
		}
	}
	return paths, nil
}
