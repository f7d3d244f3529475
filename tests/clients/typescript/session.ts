// The README's first session, by a client that openapi-typescript and openapi-fetch make of what the server says of itself. It is
// typed all the way: who writes a client may begin here.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Error"];

/** What was said to this program before it began. */
function given(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set; tests/clients.sh sets it`);
  return value;
}

function client(token: string) {
  return createClient<paths>({
    baseUrl: `${given("SERVER")}/v1`,
    headers: { Authorization: `Bearer ${token}` },
  });
}

type Answer<T> = { data?: T; error?: Problem; response: Response };

/** What a request was answered that did what it should. */
function good<T>({ data, error, response }: Answer<T>): T {
  assert(data !== undefined, `${response.status} ${error?.message}`);
  return data;
}

/** Why a request was refused. */
function refused({ error, response }: Answer<unknown>, status: number): Problem {
  assert.equal(response.status, status);
  assert(error !== undefined);
  return error;
}

/** The query of the page that a `Link` leads to, if there is one. */
function next(response: Response): URLSearchParams | undefined {
  const path = response.headers.get("Link")?.match(/^<(.*)>; rel="next"$/)?.[1];
  return path === undefined ? undefined : new URL(path, response.url).searchParams;
}

function etag(response: Response): string {
  const tag = response.headers.get("ETag");
  assert(tag);
  return tag;
}

const [mine, hers] = [client(given("MINE")), client(given("HERS"))];

const me = good(await mine.GET("/users/@me"));
assert.equal(me.username, "NamesAreHardOkay?");
assert.deepEqual(me.flags, [1, 10]);
console.log(`I am ${me.username}#${me.discriminator}.`);

const zoe = good(await hers.GET("/users/@me"));
const byId = await mine.GET("/users/{id}", { params: { path: { id: zoe.id } } });
const byTag = await mine.GET("/users", { params: { query: { tag: "ZOË#0042" } } });
assert.deepEqual(good(byId), zoe);
assert.deepEqual(good(byTag), zoe);
console.log(`${zoe.username} is ${zoe.id}, by id and by tag.`);

const short = await mine.PATCH("/users/@me", { body: { discriminator: "7" } });
const problem = refused(short, 400);
assert.equal(problem.code, "invalid_request");
for (const { field, code, message } of problem.errors ?? []) {
  assert.deepEqual([field, code], ["discriminator", "too_short"]);
  console.log(`${field}: ${message}`);
}
assert.equal(problem.errors?.length, 1);
const renamed = good(await mine.PATCH("/users/@me", { body: { discriminator: "0007" } }));
assert.deepEqual(renamed, { ...me, discriminator: "0007" });
console.log(`I am ${renamed.username}#${renamed.discriminator} now.`);

const dm = good(await mine.POST("/users/@me/channels", { body: { type: 2, recipient_id: zoe.id } }));
const same = good(await hers.POST("/users/@me/channels", { body: { type: 2, recipient_id: me.id } }));
assert.equal(same.id, dm.id);
assert.deepEqual(dm.recipients, [zoe]);
assert.deepEqual(same.recipients, [renamed]);
console.log(`The DM of the two is ${dm.id}, whoever asks.`);

const recipient_ids = [zoe.id, given("EMILE")];
const group = good(await mine.POST("/users/@me/channels", { body: { type: 3, recipient_ids, name: "Tea" } }));
// A DM has no owner: that this compiles is a part of the proof.
assert(group.type === 3);
assert.equal(group.owner_id, me.id);
assert.deepEqual(group.recipient_ids, recipient_ids);
console.log(`The group "${group.name}" is ${group.id}.`);

const listed: string[] = [];
let before: string | null = null;
do {
  const query: { limit: number; before?: string } = before === null ? { limit: 1 } : { limit: 1, before };
  const page = await mine.GET("/users/@me/channels", { params: { query } });
  listed.push(...good(page).map((channel) => channel.id));
  before = next(page.response)?.get("before") ?? null;
} while (before !== null);
assert.deepEqual(listed, [group.id, dm.id]);
console.log(`My ${listed.length} channels, a page each, the newest first.`);

const once = { header: { "Idempotency-Key": "the tea house".replaceAll(" ", "-") } };
const body = { name: "Tea house" };
const first = await hers.POST("/communities", { params: once, body });
const again = await hers.POST("/communities", { params: once, body });
const community = good(first);
assert.deepEqual(good(again), community);
assert.equal(first.response.headers.get("Idempotency-Replayed"), null);
assert.equal(again.response.headers.get("Idempotency-Replayed"), "true");
const other = await hers.POST("/communities", { params: once, body: { name: "Coffee house" } });
assert.equal(refused(other, 409).code, "idempotency_conflict");
console.log(`"${community.name}" was made once, though it was asked for twice.`);

const path = { id: community.id };
const invite = good(await hers.POST("/communities/{id}/invites", { params: { path }, body: { max_uses: 5 } }));
const { code } = invite;
const seen = good(await mine.GET("/invites/{code}", { params: { path: { code } } }));
assert.deepEqual(seen.community, community);
assert.equal(seen.max_uses, 5);
const joined = good(await mine.POST("/invites/{code}", { params: { path: { code } } }));
assert.deepEqual(joined, community);
assert.deepEqual(good(await mine.GET("/users/@me/communities")), [community]);
const members = good(await hers.GET("/communities/{id}/members", { params: { path } }));
assert.deepEqual(members, [renamed, zoe]);
console.log(`I joined it by ${code}; there are ${members.length} of us.`);

const read = await hers.GET("/communities/{id}", { params: { path } });
const tag = etag(read.response);
const known = { path, header: { "If-None-Match": tag } };
assert.equal((await hers.GET("/communities/{id}", { params: known })).response.status, 304);
const meant = { path, header: { "If-Match": tag } };
const changed = await hers.PATCH("/communities/{id}", { params: meant, body: { name: "The tea house" } });
assert.equal(good(changed).name, "The tea house");
assert.notEqual(etag(changed.response), tag);
const late = await hers.PATCH("/communities/{id}", { params: meant, body: { name: "Coffee house" } });
assert.equal(refused(late, 412).code, "precondition_failed");
console.log("It was read again without a body, and changed once, though two meant to.");

const left = await mine.DELETE("/users/@me/communities/{id}", { params: { path } });
assert.equal(left.response.status, 204);
const gone = await mine.GET("/communities/{id}", { params: { path } });
assert.equal(refused(gone, 404).code, "unknown_community");
console.log("I left it.");

const file = "default.png";
const picture = await mine.GET("/avatars/{id}/{file}", {
  params: { path: { id: me.id, file }, query: { size: 64 } },
  parseAs: "blob",
});
assert.equal(good(picture).type, "image/png");
console.log(`My picture has ${good(picture).size} bytes.`);
