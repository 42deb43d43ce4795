package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
)

// Layout of the file membership, which ZooKeeper does not know: the lists in
// ZooKeeper's canonical form, each under its heading.
//
//	[committed]
//	server.1=host:2888:3888:participant;0.0.0.0:2181
//	...
//	version=0
//	[pending]
//	...
//
// A list that there is none of has no heading.
const (
	membershipFile     = "membership"
	committedHeading   = "[committed]"
	pendingHeading     = "[pending]"
	membershipBytesMax = 1 << 20
)

// Membership are the lists of servers that a member of an ensemble has agreed
// to: the texts in canonical form, "" for none.
type Membership struct {
	Committed string // the list that a quorum agreed on last
	Pending   string // a list seen from a leader that is not known to be committed
}

// Membership reads the file membership; without one both lists are empty.
func (s *Store) Membership() (Membership, error) {
	path := filepath.Join(s.options.DataDir, membershipFile)
	file, err := s.fs.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Membership{}, nil
	}
	if err != nil {
		return Membership{}, fmt.Errorf("store: read membership: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(file, membershipBytesMax+1))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return Membership{}, fmt.Errorf("store: read %s: %w", path, err)
	}
	m, reason := parseMembership(string(content))
	if reason != "" {
		return Membership{}, &CorruptionError{File: path, Reason: reason}
	}
	return m, nil
}

// SetMembership replaces the file membership atomically and durably.
func (s *Store) SetMembership(m Membership) error {
	path := filepath.Join(s.options.DataDir, membershipFile)
	content := appendMembership(nil, m)
	if got, reason := parseMembership(string(content)); reason != "" || got != m {
		return fmt.Errorf("store: write %s: the lists are not in canonical form", path)
	}
	if err := writeAtomically(s.fs, path, content); err != nil {
		return fmt.Errorf("store: write %s: %w", path, err)
	}
	return nil
}

func appendMembership(dst []byte, m Membership) []byte {
	for _, section := range []struct{ heading, list string }{
		{committedHeading, m.Committed}, {pendingHeading, m.Pending},
	} {
		if section.list != "" {
			dst = fmt.Appendf(dst, "%s\n%s\n", section.heading, section.list)
		}
	}
	return dst
}

// parseMembership returns what is wrong with the content, if anything is.
func parseMembership(content string) (m Membership, reason string) {
	if len(content) > membershipBytesMax {
		return Membership{}, "it is longer than any list of servers"
	}
	if content != "" && !strings.HasSuffix(content, "\n") {
		return Membership{}, "its last line is cut short"
	}
	var list *string
	for line := range strings.Lines(content) {
		switch heading := strings.TrimSuffix(line, "\n"); {
		case heading == committedHeading && list == nil:
			list = &m.Committed
		case heading == pendingHeading && list != &m.Pending:
			list = &m.Pending
		case list == nil || heading == "" || heading[0] == '[':
			return Membership{}, fmt.Sprintf("the line %q is neither a heading nor part of a list", heading)
		default:
			*list += line
		}
	}
	// The canonical form has no newline at its end.
	m.Committed, m.Pending = strings.TrimSuffix(m.Committed, "\n"), strings.TrimSuffix(m.Pending, "\n")
	return m, ""
}
