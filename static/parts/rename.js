import { html } from '../vendor/htm.js'
import { patch } from '../api.js'
import { toast } from './toast.js'
import { called, tag } from './user.js'

/** Renames a user, with a way back; `done(account)` hears of both. */
export async function rename(user, change, done) {
	const path = `/users/${user.id}`
	const account = await patch(path, change)
	done(account)
	toast(html`${called(user)} is now ${called(account.user)}.`, {
		path, still: (found) => tag(found.user) === tag(account.user),
		act: async () => done(await patch(path, { username: user.username, discriminator: user.discriminator })),
	})
}
