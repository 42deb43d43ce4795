package main

import (
	"context"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// state is what a client saw in the end. Package store's tests read it.
type state struct {
	Version  string
	Zxid     int64 // of the last transaction
	Sessions []sessionState
	Nodes    []nodeState
}

type sessionState struct {
	ID            int64
	TimeoutMillis int64
}

type nodeState struct {
	Path string
	Data []byte // null in JSON for null data
	Stat wire.Stat
	ACL  []wire.ACL
}

// dump reads every znode.
func dump(ctx context.Context, c *client.Client) (*state, error) {
	s := &state{}
	if err := s.walk(ctx, c, "/"); err != nil {
		return nil, err
	}
	s.Zxid = int64(c.LastZxid())
	return s, nil
}

func (s *state) walk(ctx context.Context, c *client.Client, path string) error {
	data, stat, err := c.Get(ctx, path, false)
	if err != nil {
		return err
	}
	acl, _, err := c.ACL(ctx, path)
	if err != nil {
		return err
	}
	s.Nodes = append(s.Nodes, nodeState{Path: path, Data: data, Stat: stat, ACL: acl})
	children, _, err := c.Children(ctx, path, false)
	if err != nil {
		return err
	}
	if path == "/" {
		path = ""
	}
	for _, child := range children {
		if err := s.walk(ctx, c, path+"/"+child); err != nil {
			return err
		}
	}
	return nil
}
