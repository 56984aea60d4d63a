package portal

import "strings"

// What the host and the portal itself are in the place of a user agent.
const (
	commandLine = "command line"
	portalsJob  = "job"
)

// sign is a part of a user agent and what it means.
type sign struct{ part, name string }

// browserSigns come in this order because most browsers also claim to be those
// further down.
func browserSigns() []sign {
	return []sign{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	}
}

func systemSigns() []sign {
	return []sign{
		{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"},
		{"CrOS", "ChromeOS"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	}
}

// BrowserName makes a user agent readable: "Chrome on Windows". It is a hint
// for the owner of a session and decides nothing.
func BrowserName(agent string) string {
	switch agent {
	case commandLine:
		return "command line of the host"
	case portalsJob:
		return "a job of the portal"
	}
	browser, system := firstSign(agent, browserSigns()), firstSign(agent, systemSigns())
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "":
		return browser
	case system != "":
		return "A browser on " + system
	}
	return "Unknown browser"
}

func firstSign(agent string, signs []sign) string {
	for _, s := range signs {
		if strings.Contains(agent, s.part) {
			return s.name
		}
	}
	return ""
}
