package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are put in when the program is built by make build.
var (
	version = "unreleased"
	commit  = ""
)

// versionText is what portal --version prints.
func versionText() string {
	from := commit
	if from == "" {
		from = builtFrom()
	}
	return fmt.Sprintf("portal %s (commit %s, %s, %s/%s)", version, from, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// builtFrom is the commit that Go noted in a program of another making.
func builtFrom() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return "unknown"
}
