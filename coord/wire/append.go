package wire

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// AppendInt appends a big-endian int32.
func AppendInt(dst []byte, v int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v)) }

// AppendLong appends a big-endian int64.
func AppendLong(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) }

// AppendBool appends a boolean as one byte.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// AppendBuffer appends a byte buffer; nil is written as null.
func AppendBuffer(dst, b []byte) []byte {
	if b == nil {
		return AppendInt(dst, -1)
	}
	dst = AppendInt(dst, int32(len(b)))
	return append(dst, b...)
}

// AppendString appends a string in the encoding ZooKeeper's Java archive
// writes: UTF-8, but code points above U+FFFF as two three-byte surrogates
// (ZooKeeper: BinaryOutputArchive.java).
func AppendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if s[i] >= 0xf0 { // begins a character above U+FFFF
			return appendWide(dst, s)
		}
	}
	dst = AppendInt(dst, int32(len(s)))
	return append(dst, s...)
}

func appendWide(dst []byte, s string) []byte {
	dst, mark := BeginFrame(dst)
	for _, r := range s {
		if r < 0x10000 {
			dst = utf8.AppendRune(dst, r)
			continue
		}
		r -= 0x10000
		for _, u := range [2]rune{0xd800 + r>>10, 0xdc00 + r&0x3ff} {
			dst = append(dst, 0xe0|byte(u>>12), 0x80|byte(u>>6)&0x3f, 0x80|byte(u)&0x3f)
		}
	}
	return EndFrame(dst, mark)
}

// AppendStrings appends a vector of strings; nil is written as null.
func AppendStrings(dst []byte, v []string) []byte {
	if v == nil {
		return AppendInt(dst, -1)
	}
	dst = AppendInt(dst, int32(len(v)))
	for _, s := range v {
		dst = AppendString(dst, s)
	}
	return dst
}

// AppendACLs appends a vector of ACL entries; nil is written as null.
func AppendACLs(dst []byte, v []ACL) []byte {
	if v == nil {
		return AppendInt(dst, -1)
	}
	dst = AppendInt(dst, int32(len(v)))
	for i := range v {
		dst = AppendInt(dst, v[i].Perms)
		dst = AppendString(dst, v[i].ID.Scheme)
		dst = AppendString(dst, v[i].ID.ID)
	}
	return dst
}

// extend lengthens dst by n bytes, which the caller fills in: one check of the
// bounds instead of one for each field.
func extend(dst []byte, n int) (longer, added []byte) {
	dst = slices.Grow(dst, n)
	end := len(dst)
	dst = dst[:end+n]
	return dst, dst[end:]
}

// AppendStat appends a Stat.
func AppendStat(dst []byte, s *Stat) []byte {
	dst, b := extend(dst, StatSize)
	_ = b[StatSize-1]
	binary.BigEndian.PutUint64(b[0:], uint64(s.Czxid))
	binary.BigEndian.PutUint64(b[8:], uint64(s.Mzxid))
	binary.BigEndian.PutUint64(b[16:], uint64(s.Ctime))
	binary.BigEndian.PutUint64(b[24:], uint64(s.Mtime))
	binary.BigEndian.PutUint32(b[32:], uint32(s.Version))
	binary.BigEndian.PutUint32(b[36:], uint32(s.Cversion))
	binary.BigEndian.PutUint32(b[40:], uint32(s.Aversion))
	binary.BigEndian.PutUint64(b[44:], uint64(s.EphemeralOwner))
	binary.BigEndian.PutUint32(b[52:], uint32(s.DataLength))
	binary.BigEndian.PutUint32(b[56:], uint32(s.NumChildren))
	binary.BigEndian.PutUint64(b[60:], uint64(s.Pzxid))
	return dst
}

// AppendReplyHeader appends a reply header.
func AppendReplyHeader(dst []byte, h ReplyHeader) []byte {
	dst, b := extend(dst, ReplyHeaderSize)
	_ = b[ReplyHeaderSize-1]
	binary.BigEndian.PutUint32(b[0:], uint32(h.Xid))
	binary.BigEndian.PutUint64(b[4:], uint64(h.Zxid))
	binary.BigEndian.PutUint32(b[12:], uint32(h.Err))
	return dst
}

// BeginFrame reserves the length prefix of a frame and returns where it starts.
func BeginFrame(dst []byte) ([]byte, int) {
	return append(dst, 0, 0, 0, 0), len(dst)
}

// EndFrame fills in the length of the frame that began at mark.
func EndFrame(dst []byte, mark int) []byte {
	binary.BigEndian.PutUint32(dst[mark:], uint32(len(dst)-mark-4))
	return dst
}

// AppendWatcherEvent appends a whole notification frame.
func AppendWatcherEvent(dst []byte, zxid Zxid, ev WatcherEvent) []byte {
	dst, mark := BeginFrame(dst)
	dst = AppendReplyHeader(dst, ReplyHeader{Xid: XidNotification, Zxid: zxid})
	dst = AppendInt(dst, int32(ev.Type))
	dst = AppendInt(dst, ev.State)
	dst = AppendString(dst, ev.Path)
	return EndFrame(dst, mark)
}
