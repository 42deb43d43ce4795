package view

import (
	"syscall"
	"testing"
	"time"

	"kafkacoord/kafkameta/model"
)

// TestServerAndDirectoryAgree loads the same cluster in every way.
func TestServerAndDirectoryAgree(t *testing.T) {
	for _, chroot := range []model.Chroot{"", "/kafka/prod"} {
		c := testCluster{chroot: chroot, brokers: 4, topics: 12, partitions: 5}
		fsys := c.files(t)
		want, err := LoadDirectory(t.Context(), Directory{Path: "/data", Chroot: chroot, FS: fsys})
		if err != nil {
			t.Fatal(err)
		}
		if len(want.Malformed()) > 0 || len(want.Topics()) != 12 || len(want.Brokers()) != 4 {
			t.Fatalf("malformed %v, %d topics, %d brokers", want.Malformed(), len(want.Topics()), len(want.Brokers()))
		}
		node := startServer(t, fsys)
		for _, oneShot := range []bool{false, true} {
			s := serverOf(node, chroot)
			s.ACLs, s.OneShotWatches = ACLsOfAll, oneShot
			got, err := LoadServer(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			requireSame(t, got, want)
			if len(got.Warnings) > 0 || got.Source.Kind != LiveServer || !got.HasACLs {
				t.Errorf("loaded with %+v", got)
			}
		}
	}
}

// large is a cluster of 200,000 partitions, the most that Kafka's makers
// advise.
var large = testCluster{brokers: 50, topics: 10_000, partitions: 20}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkLoad(b *testing.B) {
	fsys := large.files(b)
	node := startServer(b, fsys)
	measure := func(b *testing.B, load func() (*View, error)) {
		before := cpuTime()
		for b.Loop() {
			v, err := load()
			if err != nil {
				b.Fatal(err)
			}
			if v.NumNodes() < 2*large.topics*large.partitions {
				b.Fatalf("%d nodes", v.NumNodes())
			}
		}
		b.ReportMetric((cpuTime()-before).Seconds()/float64(b.N), "cpu-s/op")
	}
	b.Run("directory", func(b *testing.B) {
		measure(b, func() (*View, error) { return LoadDirectory(b.Context(), Directory{Path: "/data", FS: fsys}) })
	})
	b.Run("server", func(b *testing.B) {
		measure(b, func() (*View, error) { return LoadServer(b.Context(), serverOf(node, "")) })
	})
}
