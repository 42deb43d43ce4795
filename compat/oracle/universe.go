package oracle

import (
	"crypto/sha1"
	"encoding/base64"
	"math/rand/v2"
	"strings"

	"kafkacoord/coord/wire"
)

// SuperPassword is what a sequence gives to addauth to become super. Both
// servers need the superDigest of it, see SuperDigest.
const SuperPassword = "super:admin"

// SuperDigest is the value for DigestAuthenticationProvider.superDigest.
func SuperDigest() string { return digestID(SuperPassword) }

func digestID(userPassword string) string {
	sum := sha1.Sum([]byte(userPassword))
	user, _, _ := strings.Cut(userPassword, ":")
	return user + ":" + base64.StdEncoding.EncodeToString(sum[:])
}

// universe is what the requests of a seed are made of: few values of each
// kind, so that they meet.
type universe struct {
	rng  *rand.Rand
	root string
	// paths are drawn most of the time, odd ones now and then.
	paths []string
	odd   []string
}

func newUniverse(rng *rand.Rand, root string) *universe {
	below := []string{
		"", "/a", "/b", "/c", "/a/a", "/a/b", "/b/a", "/b/c", "/a/a/a", "/a/a/b", "/b/a/a", "/é",
		"/a/s0000000000", "/a/s0000000001", "/s0000000003", "/a/0000000001",
	}
	// A seed uses about half of the paths, so that some are busy.
	rng.Shuffle(len(below)-1, func(i, j int) { below[i+1], below[j+1] = below[j+1], below[i+1] })
	u := &universe{rng: rng, root: root}
	for _, b := range below[:6+rng.IntN(len(below)-6)] {
		u.paths = append(u.paths, root+b)
	}
	u.paths = append(u.paths, root+"/a")
	u.odd = []string{
		"", "/", "a", root + "/", root + "/a/", root + "//a", root + "/./a", root + "/a/..", root + "/...", root + "/.a",
		root + "/\x00", root + "/a\x01b", root + "/\x1f", root + "/\x7f", root + "/\u009f", root + "/\u00a0", root + "/\ud7ff",
		root + "/\ue000", root + "/\uf900", root + "/\ufff0", root + "/\uffef", root + "/😀", root + "/\xff\xfe", root + "/\xed\xa0\xbd\xed\xb8\x80",
		root + "/\xe2\x82", root + "/\xf0\x9f\x98x", root + "/\xc0\xaf", root + "/\xf5\x80\x80\x80", root + "/\xe2\x28\xa1", root + "/\xed\xa0\x80x",
		root + "/a b", root + "/" + strings.Repeat("n", 2000),
		wire.ReservedPath, wire.ConfigPath, wire.QuotaPath, wire.QuotaPath + root,
	}
	return u
}

// chance is true in n of 100 cases.
func (u *universe) chance(n int) bool { return u.rng.IntN(100) < n }

func pick[T any](u *universe, from []T) T { return from[u.rng.IntN(len(from))] }

// path draws any path.
func (u *universe) path() string {
	switch {
	case u.chance(4):
		return pick(u, u.odd)
	case u.chance(4):
		return u.quotaPath()
	}
	return pick(u, u.paths)
}

// writablePath draws a path whose data and ACL a sequence may change: not the
// reserved nodes, which the seeds after it see.
func (u *universe) writablePath() string {
	for {
		p := u.path()
		if p != "/" && p != "" && !isReserved(p) {
			return p
		}
	}
}

func isReserved(path string) bool {
	return path == wire.ReservedPath || path == wire.ConfigPath || path == wire.QuotaPath
}

// Names of the quota nodes (ZooKeeper: Quotas.java).
const (
	limitsName = "/zookeeper_limits"
	statsName  = "/zookeeper_stats"
)

func (u *universe) quotaPath() string {
	return wire.QuotaPath + pick(u, u.paths[:3]) + pick(u, []string{"", limitsName, limitsName, statsName})
}

func isQuotaNode(path string) bool { return strings.HasPrefix(path, wire.QuotaPath+"/") }

// quotaText draws the content of a limits node.
func (u *universe) quotaText() []byte {
	return []byte(pick(u, []string{
		"count=3,bytes=-1", "count=-1,bytes=30", "count=1,bytes=1", "count=-1,bytes=-1",
		"count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=4", "count=2,bytes=10=;byteHardLimit=-1;countHardLimit=3",
		"count=1,bytes=5=;byteHardLimit=60;countHardLimit=-1", "count=-1,bytes=-1=;countHardLimit=2", "count=5,bytes=100",
	}))
}

func (u *universe) data() []byte {
	switch n := u.rng.IntN(100); {
	case n < 15:
		return nil
	case n < 30:
		return []byte{}
	case n < 70:
		return []byte("0123456789abcdef"[:1+u.rng.IntN(16)])
	case n < 97:
		return []byte(strings.Repeat("x", 1+u.rng.IntN(100)))
	case n < 99:
		return []byte{0xff, 0, 0x80}
	}
	return []byte(strings.Repeat("large ", 1000+u.rng.IntN(4000)))
}

// version draws an expected version: often right on a small tree.
func (u *universe) version() int32 {
	return pick(u, []int32{-1, -1, -1, -1, -1, 0, 0, 0, 1, 1, 2, 3, 4, -2, 1 << 30, -1 << 31})
}

var users = []string{"ann:secret", "bob:pw", "carl", ":empty"}

// aclList draws an ACL list: mostly an open one, else any mixture of right and
// wrong entries.
func (u *universe) aclList() []wire.ACL {
	switch n := u.rng.IntN(100); {
	case n < 70:
		return wire.OpenACL
	case n < 72:
		return nil
	case n < 74:
		return []wire.ACL{}
	}
	var list []wire.ACL
	for range 1 + u.rng.IntN(3) {
		list = append(list, u.acl())
	}
	if u.chance(20) {
		list = append(list, list[0])
	}
	return list
}

func (u *universe) acl() wire.ACL {
	perms := pick(u, []int32{31, 31, 31, 31, 1, 2, 4, 8, 16, 15, 3, 30, 0, 32, -1, 1 << 20})
	ids := []wire.ID{
		wire.AnyoneID, wire.AnyoneID,
		{Scheme: "auth"},
		{Scheme: "auth"},
		{Scheme: "auth", ID: "whoever"},
		{Scheme: "digest", ID: digestID(users[0])},
		{Scheme: "digest", ID: digestID(users[0])},
		{Scheme: "digest", ID: digestID(users[1])},
		{Scheme: "digest", ID: digestID(users[2])},
		{Scheme: "ip", ID: "127.0.0.1"},
		{Scheme: "ip", ID: "127.0.0.0/8"},
		{Scheme: "ip", ID: "10.0.0.0/8"},
	}
	if u.chance(15) {
		ids = []wire.ID{
			{Scheme: "world", ID: "someone"},
			{Scheme: "world"},
			{Scheme: "digest", ID: "u"},
			{Scheme: "digest", ID: "u:"},
			{Scheme: "digest", ID: ":h"},
			{Scheme: "digest", ID: "u:h:"},
			{Scheme: "digest", ID: "a:b:c"},
			{Scheme: "digest", ID: "é:😀"},
			{Scheme: "ip", ID: "127.0.0"},
			{Scheme: "ip", ID: "127.0.0.1/33"},
			{Scheme: "ip", ID: "127.0.0.1/"},
			{Scheme: "ip", ID: "::1"},
			{Scheme: "ip", ID: "::1/128"},
			{Scheme: "ip", ID: "::1/129"},
			{Scheme: "ip", ID: "1.2.3.256"},
			{Scheme: "ip", ID: "127.0.0.1/0"},
			{Scheme: "ip", ID: ""},
			{Scheme: "sasl", ID: "kafka"},
			{Scheme: "x509", ID: "CN=a"},
			{Scheme: "super", ID: ""},
			{Scheme: "super", ID: "x"},
			{Scheme: "nobody", ID: "x"},
			{Scheme: ""},
			{Scheme: "ip", ID: "127.0.0.1/-1"},
			{Scheme: "ip", ID: "fe80::/10"},
			{Scheme: "ip", ID: "a/b/c"},
		}
	}
	return wire.ACL{Perms: perms, ID: pick(u, ids)}
}
