package jvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// cacheVariable names the environment variable that moves the cache.
const cacheVariable = "KAFKACOORD_CACHE"

// lockPollInterval is how often a waiter tries the file lock again.
const lockPollInterval = 100 * time.Millisecond

// CacheDir is where downloads and built binaries of the tests are kept:
// KAFKACOORD_CACHE, or the directory kafkacoord in the user's cache.
func CacheDir() (string, error) {
	if dir := os.Getenv(cacheVariable); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("jvm: find a cache directory (set %s): %w", cacheVariable, err)
	}
	return filepath.Join(dir, "kafkacoord"), nil
}

// Lock takes an exclusive lock on the file at path, which it creates, and
// waits for it as long as ctx allows. It holds against other processes and
// against other callers in this one, and is released when the process dies.
func Lock(ctx context.Context, path string) (unlock func() error, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("jvm: make the directory of lock %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("jvm: open lock %s: %w", path, err)
	}
	ticker := time.NewTicker(lockPollInterval)
	defer ticker.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("jvm: lock %s: %w", path, err), file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("jvm: wait for lock %s: %w", path, ctx.Err()), file.Close())
		case <-ticker.C:
		}
	}
}
