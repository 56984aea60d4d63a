package main

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// part is something in a program that others made.
type part struct {
	name, version, purl, licence string
	released                     string // of this version
	sum                          string // as in go.sum
}

// weakPasswords is the one thing in the program that no Go module brings:
// scripts/weak-passwords.sh makes it from this package.
var weakPasswords = part{
	name: "@zxcvbn-ts/language-common", version: "4.1.3", licence: "MIT",
	purl: "pkg:npm/%40zxcvbn-ts/language-common@4.1.3",
}

// partsOf returns the modules in the programs, each once, and Go's own library.
func partsOf(programs []string) ([]part, error) {
	found := map[string]part{}
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return nil, err
		}
		found["std"] = standardLibrary(info.GoVersion)
		for _, module := range info.Deps {
			if module.Replace != nil {
				return nil, fmt.Errorf("%s: %s is replaced by %s", program, module.Path, module.Replace.Path)
			}
			found[module.Path] = part{
				name: module.Path, version: module.Version, sum: module.Sum, purl: "pkg:golang/" + module.Path + "@" + module.Version,
			}
		}
	}
	parts := slices.SortedFunc(maps.Values(found), func(a, b part) int { return cmp.Compare(a.name, b.name) })
	return parts, describe(parts)
}

// standardLibrary is Go's own library, as vulnerability databases name it.
func standardLibrary(goVersion string) part {
	version := strings.TrimPrefix(goVersion, "go")
	return part{name: "std", version: version, licence: "BSD-3-Clause", purl: "pkg:golang/std@" + version}
}

// describe adds what only the modules themselves tell: licence and date.
func describe(parts []part) error {
	modules, err := listed(parts)
	if err != nil {
		return err
	}
	for i, p := range parts {
		m, ok := modules[p.name]
		if !ok {
			continue
		}
		parts[i].released = m.Time
		if parts[i].licence, err = licenceIn(m.Dir); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// module is what go list tells of one.
type module struct{ Path, Dir, Time string }

// listed asks Go about the parts that are modules.
func listed(parts []part) (map[string]module, error) {
	args := []string{"list", "-m", "-json"}
	for _, p := range parts {
		if p.sum != "" {
			args = append(args, p.name+"@"+p.version)
		}
	}
	out, err := exec.Command("go", args...).Output() // #nosec G204 -- modules that Go itself noted in a program
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	modules := map[string]module{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var m module
		if err := decoder.Decode(&m); err != nil {
			return nil, err
		}
		modules[m.Path] = m
	}
	return modules, nil
}
