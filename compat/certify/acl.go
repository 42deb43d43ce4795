package certify

import (
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strings"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// The ACLs that Kafka sends with zookeeper.set.acl=true: auth stands for every
// identity of the session (Kafka: ZkData.scala, defaultAcls).
var (
	creatorOnly = []wire.ACL{{Perms: wire.PermAll, ID: wire.ID{Scheme: "auth"}}}
	worldReads  = wire.ACL{Perms: wire.PermRead, ID: wire.AnyoneID}
	securedACL  = append(creatorOnly[:1:1], worldReads)
)

// digestID is the identity that a digest credential gives (ZooKeeper:
// DigestAuthenticationProvider.java).
func digestID(credential []byte) wire.ID {
	user, _, _ := strings.Cut(string(credential), ":")
	sum := sha1.Sum(credential)
	return wire.ID{Scheme: "digest", ID: user + ":" + base64.StdEncoding.EncodeToString(sum[:])}
}

// grants expects an entry in a znode's ACL.
func (b *broker) grants(ctx context.Context, path string, want wire.ACL) (wire.Stat, error) {
	acl, stat, err := b.ACL(ctx, path)
	if err == nil && !slices.Contains(acl, want) {
		err = &Mismatch{What: "ACL of " + path, Expected: "among others " + describe(want), Got: describe(acl)}
	}
	return stat, err
}

// setACLs uses the digest scheme: it is there without configuration, and Kafka's
// own schemes, sasl and x509, are treated alike.
func setACLs(p *play) {
	const ordinary, sensitive, consumers = "/brokers", "/config/users", "/consumers"
	secured := p.brokerWith("a secured broker", client.Config{Chroot: p.root, Auth: append(slices.Clone(p.options.Auth), p.secret)})
	stranger := p.brokerWith("a client without credentials", client.Config{Chroot: p.root})
	own := wire.ACL{Perms: wire.PermAll, ID: digestID(p.secret.Data)}
	create := func(path string, acl []wire.ACL) wire.Request {
		return client.CreateOp(path, []byte("{}"), wire.FlagPersistent, acl)
	}
	p.step("create znodes for the creator, readable or not by others", func(ctx context.Context) error {
		return secured.pipelineAll(ctx, 1, []wire.Request{
			create(ordinary, securedACL), create("/config", securedACL), create(sensitive, creatorOnly), create(consumers, wire.OpenACL),
		})
	})
	p.step("read the creator's identity in the ACLs", func(ctx context.Context) error {
		_, err := secured.grants(ctx, ordinary, own)
		_, worldErr := secured.grants(ctx, ordinary, worldReads)
		_, sensitiveErr := secured.grants(ctx, sensitive, own)
		_, openErr := secured.grants(ctx, consumers, wire.OpenACL[0])
		return cmp.Or(err, worldErr, sensitiveErr, openErr)
	})
	p.step("let strangers read an ordinary znode and not change it", func(ctx context.Context) error {
		if _, err := stranger.holds(ctx, ordinary, []byte("{}"), 0); err != nil {
			return err
		}
		_, setErr := stranger.Set(ctx, ordinary, nil, client.AnyVersion)
		_, createErr := stranger.Create(ctx, ordinary+"/ids", nil, wire.FlagPersistent, nil)
		_, existingErr := stranger.Create(ctx, sensitive, nil, wire.FlagPersistent, nil)
		_, aclErr := stranger.SetACL(ctx, ordinary, wire.OpenACL, client.AnyVersion)
		return cmp.Or(
			refusedWith("setData "+ordinary, setErr, wire.NoAuth),
			refusedWith("create below "+ordinary, createErr, wire.NoAuth),
			refusedWith("create of an existing znode in a secured parent", existingErr, wire.NoAuth),
			refusedWith("setACL "+ordinary, aclErr, wire.NoAuth),
			refusedWith("delete "+sensitive, stranger.Delete(ctx, sensitive, client.AnyVersion), wire.NoAuth),
		)
	})
	p.step("keep a sensitive znode from strangers", func(ctx context.Context) error {
		_, _, err := stranger.Get(ctx, sensitive, false)
		_, _, listErr := stranger.Children(ctx, sensitive, false)
		return cmp.Or(refusedWith("getData "+sensitive, err, wire.NoAuth), refusedWith("getChildren2 "+sensitive, listErr, wire.NoAuth))
	})
	p.step("refuse a multi for the part that is not allowed", func(ctx context.Context) error {
		return stranger.none(ctx, []wire.Code{wire.OK, wire.NoAuth}, client.CheckOp(ordinary, 0), client.SetOp(ordinary, nil, client.AnyVersion))
	})
	p.step("refuse the creator's ACL to a session without identity", func(ctx context.Context) error {
		_, err := stranger.Create(ctx, consumers+"/group", nil, wire.FlagPersistent, creatorOnly)
		return refusedWith("create with scheme auth", err, wire.InvalidACL)
	})
	p.step("open a znode by migration, unheard by its watcher", func(ctx context.Context) error {
		if _, _, err := stranger.Get(ctx, ordinary, true); err != nil {
			return err
		}
		before, err := secured.grants(ctx, ordinary, own)
		if err != nil {
			return err
		}
		stat, err := secured.SetACL(ctx, ordinary, wire.OpenACL, client.AnyVersion)
		return cmp.Or(err, equal("aversion in the reply", stat.Aversion, before.Aversion+1),
			equal("data version", stat.Version, before.Version), equal("mzxid", stat.Mzxid, before.Mzxid))
	})
	p.step("write the opened znode as a stranger", func(ctx context.Context) error {
		_, err := stranger.Set(ctx, ordinary, []byte("open"), 0)
		return cmp.Or(err, stranger.hears(ctx, event(wire.EventNodeDataChanged, ordinary)))
	})
	p.step("close it again", func(ctx context.Context) error {
		if _, err := secured.SetACL(ctx, ordinary, securedACL, client.AnyVersion); err != nil {
			return err
		}
		_, err := stranger.Set(ctx, ordinary, nil, client.AnyVersion)
		_, ownErr := secured.grants(ctx, ordinary, own)
		return cmp.Or(refusedWith("setData "+ordinary, err, wire.NoAuth), ownErr)
	})
}
