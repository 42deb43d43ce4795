//go:build !unix

package bench

import "time"

// processTime is 0: the system has no getrusage.
func processTime() time.Duration { return 0 }
