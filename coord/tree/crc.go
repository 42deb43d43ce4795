package tree

import (
	"hash/crc32"
	"math/bits"
)

// The fields of a node enter its digest as numbers. Feeding them to hash/crc32
// takes a buffer, which escapes to the heap, twice for every write; so CRC-32
// is computed here eight bytes at a time ("slicing by 8") straight from them.
var crcTables = slicingTables()

// slicingTables returns the tables: entry b of table i is the CRC of the byte b
// with i zero bytes behind it.
func slicingTables() (t [8][256]uint32) {
	t[0] = *crc32.IEEETable
	for b := range t[0] {
		for i := 1; i < len(t); i++ {
			before := t[i-1][b]
			t[i][b] = before>>8 ^ t[0][before&0xff]
		}
	}
	return t
}

// crcLong adds the eight bytes of v, the highest first, to the complement of a CRC.
func crcLong(crc uint32, v uint64) uint32 {
	t := &crcTables
	v = bits.ReverseBytes64(v) ^ uint64(crc)
	return t[7][v&0xff] ^ t[6][v>>8&0xff] ^ t[5][v>>16&0xff] ^ t[4][v>>24&0xff] ^
		t[3][v>>32&0xff] ^ t[2][v>>40&0xff] ^ t[1][v>>48&0xff] ^ t[0][v>>56]
}

// crcInt is crcLong for four bytes.
func crcInt(crc, v uint32) uint32 {
	t := &crcTables
	v = bits.ReverseBytes32(v) ^ crc
	return t[3][v&0xff] ^ t[2][v>>8&0xff] ^ t[1][v>>16&0xff] ^ t[0][v>>24]
}
