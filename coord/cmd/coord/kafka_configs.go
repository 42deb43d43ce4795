package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// configRow is the configuration of one entity as JSON.
type configRow struct {
	Type     model.EntityType  `json:"type"`
	Name     string            `json:"name"`
	Client   string            `json:"client,omitempty"` // of a user and client pair
	Settings map[string]string `json:"settings"`
	Error    string            `json:"error,omitempty"`
}

// hiddenValue stands in for credentials.
const hiddenValue = "(hidden)"

func kafkaConfigsCommand() *cobra.Command {
	return kafkaViewCommand("configs [TYPE [NAME]]", "List the settings of topics, clients, users, ips and brokers, without credentials", cobra.MaximumNArgs(2),
		func(v *view.View, args []string) (any, [][]string, error) {
			rows := configsOf(v, args)
			table := [][]string{{"type", "name", "client", "setting", "value"}}
			for _, r := range rows {
				if r.Error != "" {
					table = append(table, []string{string(r.Type), r.Name, orDash(r.Client), "-", r.Error})
				}
				for _, key := range slices.Sorted(maps.Keys(r.Settings)) {
					table = append(table, []string{string(r.Type), r.Name, orDash(r.Client), key, r.Settings[key]})
				}
			}
			return rows, table, nil
		})
}

// configsOf gives the configurations of all types or one, of all names or one.
func configsOf(v *view.View, only []string) []configRow {
	rows := []configRow{}
	for _, t := range model.EntityTypes {
		if len(only) > 0 && only[0] != string(t) {
			continue
		}
		for _, config := range v.Configs(t) {
			name := config.Entity.DisplayName()
			if len(only) > 1 && only[1] != name {
				continue
			}
			row := configRow{Type: t, Name: name, Client: config.Entity.DisplayClient(), Settings: map[string]string{}}
			if config.Znode.Err != nil {
				row.Error = config.Znode.Err.Error()
			}
			if config.Values != nil {
				for key, value := range config.Values.Values {
					row.Settings[key] = shownValue(t, key, value)
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// shownValue hides SCRAM credentials and brokers' passwords, encrypted or not.
func shownValue(t model.EntityType, key, value string) string {
	if t == model.Users && slices.Contains(model.Mechanisms, model.Mechanism(key)) {
		return hiddenValue
	}
	if t == model.Brokers {
		for _, word := range []string{"password", "jaas", "secret", "keystore.key", "certificate"} {
			if strings.Contains(key, word) {
				return hiddenValue
			}
		}
	}
	return value
}

// quotaRow is one limit as JSON.
type quotaRow struct {
	Type   model.EntityType `json:"type"`
	Name   string           `json:"name"`
	Client string           `json:"client,omitempty"`
	Quota  string           `json:"quota"`
	Value  float64          `json:"value"`
	Error  string           `json:"error,omitempty"`
}

func kafkaQuotasCommand() *cobra.Command {
	return kafkaViewCommand("quotas", "List the quotas of users, clients and addresses, and the throttles of brokers", cobra.NoArgs,
		func(v *view.View, _ []string) (any, [][]string, error) {
			rows := []quotaRow{}
			table := [][]string{{"type", "name", "client", "quota", "value"}}
			for _, t := range model.EntityTypes {
				for _, config := range v.Configs(t) {
					if config.Values == nil {
						continue
					}
					for _, key := range model.QuotaKeys(t) {
						text, limited := config.Values.Values[key]
						if !limited {
							continue
						}
						row := quotaRow{Type: t, Name: config.Entity.DisplayName(), Client: config.Entity.DisplayClient(), Quota: key}
						value, err := model.ParseQuota(key, text)
						if row.Value = value; err != nil {
							row.Error, text = err.Error(), err.Error()
						}
						rows = append(rows, row)
						table = append(table, []string{string(t), row.Name, orDash(row.Client), key, text})
					}
				}
			}
			return rows, table, nil
		})
}

// aclRow is one ACL entry as JSON.
type aclRow struct {
	Pattern    string `json:"pattern"`
	Type       string `json:"type"`
	Name       string `json:"name"`
	Principal  string `json:"principal,omitempty"`
	Permission string `json:"permission,omitempty"`
	Operation  string `json:"operation,omitempty"`
	Host       string `json:"host,omitempty"`
	Error      string `json:"error,omitempty"`
}

func kafkaACLsCommand() *cobra.Command {
	return kafkaViewCommand("acls", "List the ACLs of topics, groups and other resources", cobra.NoArgs, func(v *view.View, _ []string) (any, [][]string, error) {
		rows := []aclRow{}
		table := [][]string{{"pattern", "type", "name", "principal", "permission", "operation", "host"}}
		for _, acl := range v.ACLs() {
			row := aclRow{Pattern: acl.Resource.Pattern.String(), Type: string(acl.Resource.Type), Name: acl.Resource.Name}
			if acl.Znode.Err != nil {
				row.Error = acl.Znode.Err.Error()
				rows = append(rows, row)
				table = append(table, []string{row.Pattern, row.Type, row.Name, row.Error, "-", "-", "-"})
			}
			if acl.ACL == nil {
				continue
			}
			row.Error = ""
			for _, e := range acl.ACL.Entries {
				row.Principal, row.Permission, row.Operation, row.Host = e.Principal, e.Permission, e.Operation, e.Host
				rows = append(rows, row)
				table = append(table, []string{row.Pattern, row.Type, row.Name, e.Principal, e.Permission, e.Operation, e.Host})
			}
		}
		return rows, table, nil
	})
}
