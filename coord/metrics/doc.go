// Package metrics holds the numbers of a server and shows them.
//
// It owns the table of every metric name (ZooKeeper 3.9's and ours, prefix
// coord_), the accumulators behind them, and the two views: the Prometheus
// text form of ZooKeeper's exporter and the body of the four-letter word mntr.
// It promises that setting a number costs a few nanoseconds and takes no lock,
// that memory is fixed (keyed metrics have a limit of keys), and that every
// name appears from the start, with zero.
//
// Producers own their accumulators and write plain numbers, the loop once a
// turn; readers may come at any time from any goroutine. The package measures
// nothing itself but the process's file descriptors and memory, and opens no
// listener.
//
// It answers to ZooKeeper: ServerMetrics.java, DefaultMetricsProvider.java,
// PrometheusMetricsProvider.java.
package metrics
