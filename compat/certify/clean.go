package certify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// cleanRounds bounds how often the removal of a tree is tried: a session that
// is just ending may still add to it.
const cleanRounds = 3

// cleanWindow is how many deletes are under way at once.
const cleanWindow = 500

// clean removes a znode with all below it, also when the run was called off.
func clean(ctx context.Context, control *client.Client, root string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	var err error
	for range cleanRounds {
		if err = removeTree(ctx, control, root); err == nil {
			return nil
		}
	}
	return fmt.Errorf("certify: remove %s, do it by hand: %w", root, err)
}

// removeTree lists a tree, parents first, and deletes it from its end.
func removeTree(ctx context.Context, control *client.Client, root string) error {
	paths := []string{root}
	for i := 0; i < len(paths); i++ {
		children, _, err := control.Children(ctx, paths[i], false)
		if err != nil && !errors.Is(err, wire.NoNode) {
			return err
		}
		for _, child := range children {
			paths = append(paths, paths[i]+"/"+child)
		}
	}
	deletes := make([]wire.Request, 0, len(paths))
	for _, path := range slices.Backward(paths) {
		deletes = append(deletes, client.DeleteOp(path, client.AnyVersion))
	}
	b := &broker{Client: control}
	results, err := b.pipeline(ctx, cleanWindow, deletes)
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Err != nil && !errors.Is(r.Err, wire.NoNode) {
			return r.Err
		}
	}
	return nil
}
