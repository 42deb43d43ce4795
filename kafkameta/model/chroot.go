package model

import (
	"fmt"
	"strings"
)

// Chroot is the path under which one Kafka cluster keeps its tree: "" for the
// root of the server, else as "/kafka/prod" without a slash at the end.
type Chroot string

// ParseChroot reads a chroot as operators write it: "", "/", "/kafka" and
// "/kafka/" are all right. It refuses relative paths, empty components, "."
// and "..", and NUL, none of which ZooKeeper takes in a path.
func ParseChroot(text string) (Chroot, error) {
	trimmed := strings.TrimSuffix(text, "/")
	if trimmed == "" {
		return "", nil
	}
	if trimmed[0] != '/' {
		return "", fmt.Errorf("chroot %q: must start with /", text)
	}
	for component := range strings.SplitSeq(trimmed[1:], "/") {
		if component == "" || component == "." || component == ".." || strings.ContainsRune(component, 0) {
			return "", fmt.Errorf("chroot %q: component %q is not allowed in a path", text, component)
		}
	}
	return Chroot(trimmed), nil
}

// Join gives the path on the server of a path relative to the chroot, which
// starts with a slash. "/" is the chroot node itself.
func (c Chroot) Join(path string) string {
	if path == "/" && c != "" {
		return string(c)
	}
	return string(c) + path
}

// Strip gives a server's path relative to the chroot, and false if it lies
// outside.
func (c Chroot) Strip(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, string(c))
	switch {
	case !ok:
		return "", false
	case rest == "" && c != "":
		return "/", true
	case strings.HasPrefix(rest, "/"):
		return rest, true
	default:
		return "", false // a sibling whose name begins like the chroot
	}
}

// String gives the chroot as a path, "/" for the root.
func (c Chroot) String() string {
	if c == "" {
		return "/"
	}
	return string(c)
}
