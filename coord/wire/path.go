package wire

import "strings"

// PathOK tells whether a path is a legal znode path: absolute, no empty, "." or
// ".." segment, no trailing slash, no character that ZooKeeper forbids
// (control characters, surrogates and private use, U+FFF0 to U+FFFF, anything
// above U+FFFF). ZooKeeper: PathUtils.java.
func PathOK(path string) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	if len(path) == 1 {
		return true
	}
	if path[len(path)-1] == '/' {
		return false
	}
	start := 1 // of the current segment
	for i := 1; i < len(path); i++ {
		c := path[i]
		if c == '/' {
			if !segmentOK(path[start:i]) {
				return false
			}
			start = i + 1
			continue
		}
		if c < 0x20 || c == 0x7f {
			return false
		}
		if c >= 0x80 {
			return segmentsOK(path)
		}
	}
	return segmentOK(path[start:])
}

func segmentOK(s string) bool { return s != "" && s != "." && s != ".." }

// segmentsOK is PathOK for paths with characters beyond ASCII.
func segmentsOK(path string) bool {
	for _, r := range path {
		switch {
		case r < 0x20, r >= 0x7f && r <= 0x9f, r >= 0xd800 && r <= 0xf8ff, r >= 0xfff0:
			return false
		}
	}
	for s := range strings.SplitSeq(path[1:], "/") {
		if !segmentOK(s) {
			return false
		}
	}
	return true
}

// ParentPath returns the parent of a path that contains a slash; "" stands for
// the root, as in ZooKeeper's tree.
func ParentPath(path string) string { return path[:strings.LastIndexByte(path, '/')] }

// BaseName returns the last segment of a path that contains a slash.
func BaseName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// Reserved paths that exist in every tree and cannot be deleted
// (ZooKeeper: DataTree.java).
const (
	ReservedPath = "/zookeeper"
	QuotaPath    = "/zookeeper/quota"
	ConfigPath   = "/zookeeper/config"
)
