//go:build unix

package metrics

import (
	"os"
	"syscall"
)

// fileDescriptors counts the open files of this process and reads their limit;
// -1 where the system does not tell.
func fileDescriptors() (open, limit int64) {
	open, limit = -1, -1
	for _, directory := range []string{"/proc/self/fd", "/dev/fd"} {
		if names, err := readNames(directory); err == nil {
			// Without the one that the reading itself takes.
			open = int64(len(names)) - 1
			break
		}
	}
	var rlimit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &rlimit); err == nil {
		limit = int64(min(uint64(rlimit.Cur), 1<<62))
	}
	return open, limit
}

func readNames(directory string) ([]string, error) {
	d, err := os.Open(directory)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}
