package mail

import "portal"

// Letters after the data was restored from a backup.

func recoveryVoided(portal.Letter) story {
	return story{
		subject: "Your recovery codes are void",
		said:    []string{"The portal was restored from a backup. Which of your recovery codes were used since cannot be told, so that all of them are void. Your authenticator app works as before."},
		advice:  []string{"Sign in, open the Account page and make new recovery codes."},
	}
}

func restored(portal.Letter) story {
	return story{
		subject: "The portal was restored from a backup",
		said: []string{
			"All that was done between the backup and the restore is gone. Passwords, 2FA setups, roles, addresses and suspended accounts are as they were at the moment of the backup.",
			"All sessions have ended, and all links in mails and all recovery codes are void.",
		},
		detail: "Backup",
		advice: []string{
			"Do again what was done in between: suspend accounts, change roles, delete the 2FA setups of lost phones, demand new passwords where somebody else knows one.",
			"Invite those again whose link is void. Everybody who changed a password or an authenticator in between needs your help, or does it again.",
		},
	}
}
