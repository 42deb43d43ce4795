package config

import (
	"cmp"
	"slices"
	"strings"
)

// masked stands for a secret.
const masked = "***"

// listEffective fills the list behind Effective.
func (b *builder) listEffective() {
	var list []Setting
	listed := make(map[string]bool)
	for _, k := range keys.list {
		if k.isFamily() {
			continue
		}
		p, isSet := b.setting(k)
		listed[k.name], listed[p.Key] = true, true
		if !isSet && p.Value == "" {
			continue
		}
		origin := p.Origin
		if !isSet && k.ours != "" && !b.config.ZooKeeperDefaults {
			origin = fromDefault + " (ZooKeeper: " + k.fallback + ")"
		}
		list = append(list, Setting{Key: k.name, Value: maskSecret(k.name, p.Value, k.secret), Origin: origin})
	}
	for name, p := range b.config.properties {
		if !listed[name] {
			list = append(list, Setting{Key: name, Value: maskSecret(name, p.Value, false), Origin: p.Origin})
		}
	}
	slices.SortFunc(list, func(x, y Setting) int { return cmp.Compare(x.Key, y.Key) })
	b.config.effective = list
}

// maskSecret hides values of secret keys, and of unknown ones that sound secret.
func maskSecret(name, value string, secret bool) string {
	lower := strings.ToLower(name)
	if value == "" || strings.HasSuffix(lower, "passwordpath") {
		return value
	}
	if secret || strings.Contains(lower, "password") || strings.Contains(lower, "superdigest") || strings.Contains(lower, "secret") {
		return masked
	}
	return value
}
