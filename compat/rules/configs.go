package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// configRules are about the configurations of topics, brokers, users, clients
// and addresses.
var configRules = []Rule{
	{
		ID: "KM-31", Severity: Warning, Title: "Configuration of a topic that is not there", Settle: settleWrites,
		Meaning: "The creation of the topic was cut short, or something else deleted it. A new topic of the name gets these settings.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete PATH`.",
		check: func(c *cluster, r *recorder) {
			for _, config := range c.view.Configs(model.Topics) {
				if c.byName[config.Entity.Name] == nil {
					r.add(config.Znode.Path, "there is no such topic", model.TopicPath(config.Entity.Name))
				}
			}
		},
	},
	{
		ID: "KM-69", Severity: Error, Title: "Malformed configuration",
		Meaning: "Kafka throws at a value that is no string, and a starting broker at a broker's name that is no id; what is no JSON object it takes for an empty configuration, so that all settings are lost.",
		Fix:     `Write it as {"version":1,"config":{"KEY":"VALUE"}} with zookeeper-shell.sh HOST:PORT set PATH DATA, then make any change with kafka-configs.sh so that brokers read it.`,
		check: func(c *cluster, r *recorder) {
			c.reportMalformed(r, model.KindConfig)
			c.reportMisnamed(r, model.KindConfig)
		},
	},
	{
		ID: "KM-70", Severity: Warning, Title: "Unknown setting or impossible value",
		Meaning: "Kafka ignores settings it does not know, and may fail to load the topic or quota with a value it cannot read. Brokers may have settings of plugins.",
		Fix:     "`kafka-configs.sh --alter --entity-type TYPE --entity-name NAME --delete-config KEY`.",
		check:   checkSettings,
	},
	{
		ID: "KM-72", Severity: Warning, Title: "User or client under a name that nobody looks up",
		Meaning: "The name is not as Kafka encodes it: quotas and credentials there have no effect.",
		Fix:     "Set them anew with `kafka-configs.sh`, which encodes the name, then `zookeeper-shell.sh HOST:PORT deleteall PATH`.",
		check: func(c *cluster, r *recorder) {
			for _, t := range []model.EntityType{model.Users, model.Clients} {
				for _, config := range c.view.Configs(t) {
					if !config.Entity.Canonical() {
						r.add(config.Znode.Path, fmt.Sprintf("%q is not how Kafka writes %q", config.Entity, config.Entity.DisplayName()))
					}
				}
			}
		},
	},
	{
		ID: "KM-73", Severity: Warning, Title: "Quota node without quotas",
		Meaning: "Releases before 3.5 left the node when the last quota was removed. Every starting broker reads it.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete PATH`.",
		check:   checkEmptyQuotas,
	},
	{
		ID: "KM-74", Severity: Warning, Title: "Broker configuration that no broker reads", Settle: settleSession,
		Meaning: "It is of a broker that was never seen, or holds a password in a form that brokers cannot decode.",
		Fix:     "`kafka-configs.sh --alter --entity-type brokers --entity-name ID --delete-config KEY`, or `zookeeper-shell.sh HOST:PORT delete PATH`; set the password anew.",
		check:   checkBrokerConfigs,
	},
}

func checkSettings(c *cluster, r *recorder) {
	for _, t := range model.EntityTypes {
		for _, config := range c.view.Configs(t) {
			if config.Values == nil {
				continue
			}
			values := config.Values.Values
			if unknown := unknownKeys(t, values); len(unknown) > 0 {
				severity := Warning
				if t == model.Brokers {
					severity = Info // a plugin's, perhaps
				}
				r.addAs(severity, config.Znode.Path, "unknown settings: "+quoted(unknown))
			}
			for _, key := range slices.Sorted(maps.Keys(values)) {
				if wrong := badValue(t, key, values[key]); wrong != "" {
					r.add(config.Znode.Path, key+": "+wrong)
				}
			}
		}
	}
}

// quoted lists names that anybody may have written.
func quoted(names []string) string {
	var parts []string
	for _, name := range names[:min(len(names), relatedMax)] {
		parts = append(parts, fmt.Sprintf("%.60q", name))
	}
	return strings.Join(parts, ", ")
}

func checkEmptyQuotas(c *cluster, r *recorder) {
	for _, t := range []model.EntityType{model.Users, model.Clients, model.IPs} {
		for _, config := range c.view.Configs(t) {
			if config.Values != nil && len(config.Values.Values) == 0 && !hasGrandchildren(config.Znode) {
				r.add(config.Znode.Path, "neither quotas nor credentials")
			}
		}
	}
}

func hasGrandchildren(z *view.Znode) bool {
	for child := range z.Children() {
		for range child.Children() {
			return true
		}
	}
	return false
}

func checkBrokerConfigs(c *cluster, r *recorder) {
	for _, config := range c.view.Configs(model.Brokers) {
		id, isBroker := config.Entity.Broker()
		switch {
		case !isBroker || c.registered[id] || c.assigned[id] > 0:
		case len(c.brokers) == 0:
			r.cannotJudge("no broker is registered at all")
		default:
			r.add(config.Znode.Path, fmt.Sprintf("broker %d is not registered and has no replicas", id))
		}
		if config.Values == nil {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(config.Values.Values)) {
			if _, err := model.ParseEncodedPassword(config.Values.Values[key]); isPassword(key) && err != nil {
				r.add(config.Znode.Path, fmt.Sprintf("%.60q: %v", key, err))
			}
		}
	}
}

// passwordKeys are the settings that brokers store encrypted. Kafka:
// DynamicBrokerConfig.scala, DynamicPasswordConfigs.
var passwordKeys = []string{
	"ssl.keystore.password", "ssl.key.password", "ssl.truststore.password", "ssl.keystore.key", "ssl.keystore.certificate.chain",
	"ssl.truststore.certificates", "sasl.jaas.config",
}

func isPassword(key string) bool {
	return slices.ContainsFunc(passwordKeys, func(suffix string) bool { return strings.HasSuffix(key, suffix) })
}

// scramRules are about credentials of users.
var scramRules = []Rule{
	{
		ID: "KM-71", Severity: Error, Title: "Unusable SCRAM credential",
		Meaning: "The user cannot log in with this mechanism.",
		Fix:     "`kafka-configs.sh --alter --entity-type users --entity-name USER --add-config 'SCRAM-SHA-256=[password=…]'`.",
		check: func(c *cluster, r *recorder) {
			for _, config := range c.view.Configs(model.Users) {
				if config.Values == nil || config.Entity.Client != "" {
					continue
				}
				for _, m := range model.Mechanisms {
					if wrong := badCredential(config.Values, m); wrong != "" {
						r.add(config.Znode.Path, string(m)+": "+wrong)
					}
				}
			}
		},
	},
}

// badCredential says what is wrong with a credential, without quoting it.
func badCredential(values *model.Config, m model.Mechanism) string {
	credential, there, err := values.Scram(m)
	switch {
	case err != nil:
		return err.Error()
	case !there:
		return ""
	case credential.Iterations < model.ScramIterationsMin:
		return fmt.Sprintf("%d iterations, at least %d are required", credential.Iterations, model.ScramIterationsMin)
	case len(credential.StoredKey) != m.KeyBytes() || len(credential.ServerKey) != m.KeyBytes():
		return fmt.Sprintf("keys of %d and %d bytes, not %d", len(credential.StoredKey), len(credential.ServerKey), m.KeyBytes())
	}
	return ""
}
