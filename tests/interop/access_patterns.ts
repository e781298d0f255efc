// SPDX-License-Identifier: Apache-2.0
// The access patterns of the data model as another program has them: with the official SDK, knowing nothing of Guidon
// but the names of keys, indexes and attributes.
import {
  BatchGetItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand, type AttributeValue,
} from '@aws-sdk/client-dynamodb';

type Item = Record<string, AttributeValue>;

export interface FlagView {
  flagKey: string;
  defaultEnabled: boolean;
  owner: string;
}

function viewOf(item: Item): FlagView {
  return {
    flagKey: item.flagKey?.S ?? '',
    defaultEnabled: item.defaultEnabled?.BOOL ?? false,
    owner: item.owner?.S ?? '',
  };
}

const keyOf = (environment: string, flag: string): Item => ({
  PK: { S: `FLAG#${environment}#${flag}` },
  SK: { S: 'METADATA' },
});

export class FlagTable {
  constructor(private readonly client: DynamoDBClient, private readonly table: string) {}

  // By key, only the attributes that are asked for. `owner` is a reserved word.
  async flag(environment: string, flag: string): Promise<Item | undefined> {
    const answer = await this.client.send(new GetItemCommand({
      TableName: this.table,
      Key: keyOf(environment, flag),
      ProjectionExpression: 'flagKey, defaultEnabled, #owner',
      ExpressionAttributeNames: { '#owner': 'owner' },
    }));
    return answer.Item;
  }

  // Of an environment, newest first, page by page.
  async *newestFirst(environment: string, pageSize: number): AsyncGenerator<FlagView[]> {
    let start: Item | undefined;
    do {
      const page = await this.client.send(new QueryCommand({
        TableName: this.table,
        IndexName: 'GSI1-FLAGS-INDEX',
        KeyConditionExpression: 'GSI1PK = :partition',
        ExpressionAttributeValues: { ':partition': { S: `FLAGS#${environment}` } },
        ScanIndexForward: false,
        Limit: pageSize,
        ExclusiveStartKey: start,
      }));
      yield (page.Items ?? []).map(viewOf);
      start = page.LastEvaluatedKey;
    } while (start);
  }

  async ofOwner(environment: string, owner: string): Promise<FlagView[]> {
    return this.query('GSI2-OWNER-INDEX', 'GSI2', `OWNER#${environment}#${owner}`, 'FLAG#');
  }

  async ofTenant(environment: string, tenant: string): Promise<FlagView[]> {
    return this.query('GSI3-TENANT-INDEX', 'GSI3', `TENANT#${tenant}`, `FLAG#${environment}#`);
  }

  async many(environment: string, flags: string[]): Promise<FlagView[]> {
    const found: FlagView[] = [];
    let open: Item[] = flags.map((flag) => keyOf(environment, flag));
    while (open.length > 0) {
      const answer = await this.client.send(new BatchGetItemCommand({ RequestItems: { [this.table]: { Keys: open } } }));
      found.push(...(answer.Responses?.[this.table] ?? []).map(viewOf));
      open = answer.UnprocessedKeys?.[this.table]?.Keys ?? [];
    }
    return found;
  }

  // A flag with only the attributes that the plain shape must have, as `aws dynamodb put-item` would write it.
  async putPlain(environment: string, flag: string, enabled: boolean, withIndexKeys: boolean): Promise<void> {
    const createdAt = new Date().toISOString();
    const indexKeys: Item = withIndexKeys
      ? { GSI1PK: { S: `FLAGS#${environment}` }, GSI1SK: { S: `METADATA#${createdAt}` } }
      : {};
    await this.client.send(new PutItemCommand({
      TableName: this.table,
      Item: {
        ...keyOf(environment, flag),
        flagKey: { S: flag },
        description: { S: 'written by another program' },
        defaultEnabled: { BOOL: enabled },
        owner: { S: 'ops' },
        createdAt: { S: createdAt },
        ...indexKeys,
      },
    }));
  }

  private async query(index: string, keys: string, partition: string, prefix: string): Promise<FlagView[]> {
    const answer = await this.client.send(new QueryCommand({
      TableName: this.table,
      IndexName: index,
      KeyConditionExpression: `${keys}PK = :partition AND begins_with(${keys}SK, :prefix)`,
      ExpressionAttributeValues: { ':partition': { S: partition }, ':prefix': { S: prefix } },
    }));
    return (answer.Items ?? []).map(viewOf);
  }
}
