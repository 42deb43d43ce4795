package kafka

import (
	"context"
	"path/filepath"
	"slices"

	"kafkacoord/integration/jvm"
)

// toolLog4jProperties keeps the tools' logging out of what they print.
const toolLog4jProperties = `log4j.rootLogger=WARN, stderr
log4j.appender.stderr=org.apache.log4j.ConsoleAppender
log4j.appender.stderr.target=System.err
log4j.appender.stderr.layout=org.apache.log4j.PatternLayout
log4j.appender.stderr.layout.ConversionPattern=%d{ISO8601} %-5p %m (%c)%n
`

func (b *Broker) toolLoggingFile() string {
	return filepath.Join(b.options.Dir, "tool-log4j.properties")
}

// Topics runs kafka-topics.sh of the broker's version with the given
// arguments, connected the way that version does it, and returns what it
// printed. An exit code other than 0 is an error.
func (b *Broker) Topics(ctx context.Context, arguments ...string) (string, error) {
	r, err := releaseOf(b.options.Version)
	if err != nil {
		return "", err
	}
	return b.Tool(ctx, r.topicMain, slices.Concat(b.connection(r.topicsByBroker), arguments)...)
}

// Configs is Topics for kafka-configs.sh.
func (b *Broker) Configs(ctx context.Context, arguments ...string) (string, error) {
	r, err := releaseOf(b.options.Version)
	if err != nil {
		return "", err
	}
	return b.Tool(ctx, "kafka.admin.ConfigCommand", slices.Concat(b.connection(r.configsByBroker), arguments)...)
}

func (b *Broker) connection(byBroker bool) []string {
	if byBroker {
		return []string{"--bootstrap-server", b.Address()}
	}
	return []string{"--zookeeper", b.options.ZooKeeperConnect}
}

// Tool runs any class of the version's jars with exactly the given arguments
// and returns what it printed to standard output.
func (b *Broker) Tool(ctx context.Context, main string, arguments ...string) (string, error) {
	return jvm.Output(ctx, jvm.Spec{
		Name:      main,
		Classpath: b.classpath,
		Flags: []string{
			"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
			"-Dlog4j.configuration=file:" + b.toolLoggingFile(),
		},
		Main: main,
		Args: arguments,
		Dir:  b.options.Dir,
	})
}
