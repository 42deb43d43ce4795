package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kafkacoord/coord/wire"
)

// AnyVersion is the expected version that every znode has.
const AnyVersion int32 = -1

// Create makes a znode and returns its path, which for a sequential flag ends
// in a number. flags is a wire.Flag… constant but the TTL ones. A nil acl is
// open to everybody.
func (c *Client) Create(ctx context.Context, path string, data []byte, flags int32, acl []wire.ACL) (string, error) {
	r := CreateOp(path, data, flags, acl)
	reply, _, err := c.Do(ctx, &r)
	return reply.Path, err
}

// Create2 is Create that also returns the new znode's Stat.
func (c *Client) Create2(ctx context.Context, path string, data []byte, flags int32, acl []wire.ACL) (string, wire.Stat, error) {
	r := CreateOp(path, data, flags, acl)
	r.Op = wire.OpCreate2
	reply, _, err := c.Do(ctx, &r)
	return reply.Path, reply.Stat, err
}

// CreateContainer makes a znode that the server removes some time after its last
// child has gone.
func (c *Client) CreateContainer(ctx context.Context, path string, data []byte, acl []wire.ACL) (wire.Stat, error) {
	r := CreateOp(path, data, wire.FlagContainer, acl)
	r.Op = wire.OpCreateContainer
	reply, _, err := c.Do(ctx, &r)
	return reply.Stat, err
}

// CreateTTL makes a znode that the server removes when it was not changed for
// ttl and has no children. flags is one of the two TTL flags.
func (c *Client) CreateTTL(ctx context.Context, path string, data []byte, flags int32, ttl time.Duration, acl []wire.ACL) (string, wire.Stat, error) {
	r := CreateOp(path, data, flags, acl)
	r.Op, r.TTL = wire.OpCreateTTL, ttl.Milliseconds()
	reply, _, err := c.Do(ctx, &r)
	return reply.Path, reply.Stat, err
}

// Delete removes a childless znode of the given version.
func (c *Client) Delete(ctx context.Context, path string, version int32) error {
	r := DeleteOp(path, version)
	_, _, err := c.Do(ctx, &r)
	return err
}

// Exists tells whether a znode is there. With watch, its next change, deletion
// or creation is told to Config.OnEvent, once.
func (c *Client) Exists(ctx context.Context, path string, watch bool) (wire.Stat, bool, error) {
	reply, _, err := c.Do(ctx, &wire.Request{Op: wire.OpExists, Path: path, Watch: watch})
	if errors.Is(err, wire.NoNode) {
		return wire.Stat{}, false, nil
	}
	return reply.Stat, err == nil, err
}

// Get reads a znode's data. With watch, its next change or deletion is told to
// Config.OnEvent, once.
func (c *Client) Get(ctx context.Context, path string, watch bool) ([]byte, wire.Stat, error) {
	reply, _, err := c.Do(ctx, &wire.Request{Op: wire.OpGetData, Path: path, Watch: watch})
	return reply.Data, reply.Stat, err
}

// Set replaces the data of a znode of the given version.
func (c *Client) Set(ctx context.Context, path string, data []byte, version int32) (wire.Stat, error) {
	r := SetOp(path, data, version)
	reply, _, err := c.Do(ctx, &r)
	return reply.Stat, err
}

// ACL reads a znode's access control list.
func (c *Client) ACL(ctx context.Context, path string) ([]wire.ACL, wire.Stat, error) {
	reply, _, err := c.Do(ctx, &wire.Request{Op: wire.OpGetACL, Path: path})
	return reply.ACL, reply.Stat, err
}

// SetACL replaces the access control list of a znode with the given aversion.
func (c *Client) SetACL(ctx context.Context, path string, acl []wire.ACL, aversion int32) (wire.Stat, error) {
	reply, _, err := c.Do(ctx, &wire.Request{Op: wire.OpSetACL, Path: path, ACL: acl, Version: aversion})
	return reply.Stat, err
}

// Children lists a znode's children by name, in no order, with its Stat. With
// watch, the next child to come or go is told to Config.OnEvent, once.
func (c *Client) Children(ctx context.Context, path string, watch bool) ([]string, wire.Stat, error) {
	reply, _, err := c.Do(ctx, &wire.Request{Op: wire.OpGetChildren2, Path: path, Watch: watch})
	return reply.Children, reply.Stat, err
}

// ChildNames is Children without the Stat, by the older operation.
func (c *Client) ChildNames(ctx context.Context, path string, watch bool) ([]string, error) {
	reply, _, err := c.Do(ctx, &wire.Request{Op: wire.OpGetChildren, Path: path, Watch: watch})
	return reply.Children, err
}

// AllChildrenNumber counts a znode's descendants.
func (c *Client) AllChildrenNumber(ctx context.Context, path string) (int, error) {
	reply, _, err := c.Do(ctx, &wire.Request{Op: wire.OpGetAllChildrenNumber, Path: path})
	return int(reply.Number), err
}

// Ephemerals lists the paths of this session's ephemeral znodes that start with
// prefix.
func (c *Client) Ephemerals(ctx context.Context, prefix string) ([]string, error) {
	reply, _, err := c.Do(ctx, &wire.Request{Op: wire.OpGetEphemerals, Path: prefix})
	return reply.Children, err
}

// Sync waits until the server has seen all that was written before, so that the
// next read does too.
func (c *Client) Sync(ctx context.Context, path string) error {
	_, _, err := c.Do(ctx, &wire.Request{Op: wire.OpSync, Path: path})
	return err
}

// WhoAmI lists the identities that this connection has, by scheme and user.
func (c *Client) WhoAmI(ctx context.Context) ([]wire.ID, error) {
	reply, _, err := c.Do(ctx, &wire.Request{Op: wire.OpWhoAmI})
	return reply.Clients, err
}

// AddAuth adds a credential to this connection and those to come. The server
// breaks the connection when it refuses; the error is then wire.AuthFailed.
func (c *Client) AddAuth(ctx context.Context, scheme string, data []byte) error {
	_, _, err := c.Do(ctx, &wire.Request{Op: wire.OpAuth, Scheme: scheme, Auth: data})
	return err
}

// AddWatch tells Config.OnEvent of every change of a znode, until RemoveWatches.
// mode is wire.WatchPersistent or wire.WatchPersistentRecursive. Changes while
// there is no connection are missed.
func (c *Client) AddWatch(ctx context.Context, path string, mode int32) error {
	_, _, err := c.Do(ctx, &wire.Request{Op: wire.OpAddWatch, Path: path, Kind: mode})
	return err
}

// CheckWatches returns nil when this client watches the path, wire.NoWatcher
// when it does not. kind is a wire.Watcher… constant.
func (c *Client) CheckWatches(ctx context.Context, path string, kind int32) error {
	_, _, err := c.Do(ctx, &wire.Request{Op: wire.OpCheckWatches, Path: path, Kind: kind})
	return err
}

// RemoveWatches ends this client's watches of a path. kind is a wire.Watcher…
// constant.
func (c *Client) RemoveWatches(ctx context.Context, path string, kind int32) error {
	_, _, err := c.Do(ctx, &wire.Request{Op: wire.OpRemoveWatches, Path: path, Kind: kind})
	return err
}

// CreateOp is a create for Multi or Do; a nil acl is open to everybody.
func CreateOp(path string, data []byte, flags int32, acl []wire.ACL) wire.Request {
	if acl == nil {
		acl = wire.OpenACL
	}
	return wire.Request{Op: wire.OpCreate, Path: path, Data: data, ACL: acl, Flags: flags}
}

// SetOp is a setData for Multi or Do.
func SetOp(path string, data []byte, version int32) wire.Request {
	return wire.Request{Op: wire.OpSetData, Path: path, Data: data, Version: version}
}

// DeleteOp is a delete for Multi or Do.
func DeleteOp(path string, version int32) wire.Request {
	return wire.Request{Op: wire.OpDelete, Path: path, Version: version}
}

// CheckOp fails a Multi unless the znode has the version.
func CheckOp(path string, version int32) wire.Request {
	return wire.Request{Op: wire.OpCheck, Path: path, Version: version}
}

// Multi does all operations or none. When one was refused, its code is in the
// error and the results say which one it was: those before it have wire.OK,
// those after it wire.RuntimeInconsistency.
func (c *Client) Multi(ctx context.Context, operations ...wire.Request) ([]wire.MultiResult, error) {
	reply, _, err := c.Do(ctx, &wire.Request{Op: wire.OpMulti, Subs: operations})
	if err != nil {
		return nil, err
	}
	for i, r := range reply.Results {
		if r.Err != wire.OK && i < len(operations) {
			o := &operations[i]
			return reply.Results, &RequestError{Op: wire.OpMulti, Err: fmt.Errorf("operation %d, %v %s: %w", i, o.Op, o.Path, r.Err)}
		}
	}
	return reply.Results, nil
}

// MultiRead does several reads at once, each with a result of its own. Only
// wire.OpGetData and wire.OpGetChildren may be among them.
func (c *Client) MultiRead(ctx context.Context, reads ...wire.Request) ([]wire.MultiResult, error) {
	reply, _, err := c.Do(ctx, &wire.Request{Op: wire.OpMultiRead, Subs: reads})
	return reply.Results, err
}
