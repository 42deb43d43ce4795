package replica

import (
	"context"
	"errors"
	"time"

	"kafkacoord/coord/core"
)

const diskInterval = 2 * time.Second

// watchDisk refuses writes while the disk is nearly full. An error of the log
// ends a server, so it is better to stop taking writes while what is under way
// still fits: reads, watches and sessions go on.
func (r *Replica) watchDisk(ctx context.Context) {
	ticker := time.NewTicker(diskInterval)
	defer ticker.Stop()
	refusing, complaint := false, ""
	for {
		free, err := r.store.Free()
		switch low := err == nil && free < r.options.DiskReserve; {
		case errors.Is(err, errors.ErrUnsupported):
			r.log.Info("this system does not tell how full a disk is: writes are not refused before it is full", "error", err)
			return
		case err != nil && err.Error() == complaint: // said before
		case err != nil:
			r.log.Warn("cannot tell how full the disk is", "error", err)
		case low != refusing && !r.Inspect(func(c *core.Core) { c.RefuseWrites(low) }):
			return
		case low && !refusing:
			r.log.Error("the disk is nearly full: writes are refused until there is room; free some space or purge old snapshots",
				"free_bytes", free, "reserve_bytes", r.options.DiskReserve)
		case !low && refusing:
			r.log.Info("the disk has room again: writes are accepted", "free_bytes", free)
		}
		complaint = ""
		if err != nil {
			complaint = err.Error()
		} else {
			refusing = free < r.options.DiskReserve
			if r.options.Observer != nil {
				r.options.Observer.Disk(free, refusing)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
