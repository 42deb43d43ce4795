// Package treedump reads a whole tree through a client and says where two such
// readings differ: of one server before and after, or of two servers.
//
// It compares all that a client can learn of a znode: data, with null and empty
// told apart, every field of the Stat, and the access control list. What the
// session may not read is an error.
package treedump
