package wire

import "encoding/binary"

// PasswordSize is the length of every session password in bytes.
const PasswordSize = 16

// SessionPassword computes the password of a session. It is a pure function of
// the id (the first 16 bytes of java.util.Random seeded with the id and a fixed
// constant), so that every server of an ensemble, Go or Java, agrees on it
// without sharing state. ZooKeeper: ZooKeeperServer.java generatePasswd.
func SessionPassword(id SessionID) [PasswordSize]byte {
	const (
		superSecret = 0xB3415C00
		multiplier  = 0x5DEECE66D
		mask        = 1<<48 - 1
	)
	var out [PasswordSize]byte
	s := (uint64(id) ^ superSecret ^ multiplier) & mask
	for i := 0; i < PasswordSize; i += 4 {
		s = (s*multiplier + 0xB) & mask
		binary.LittleEndian.PutUint32(out[i:], uint32(s>>16))
	}
	return out
}
