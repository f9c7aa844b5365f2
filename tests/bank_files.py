"""Files as a bank and a custodian hand them in."""

from __future__ import annotations

# As a bank sends it in version 2: the status is a word, amounts of transactions lie deeper.
VERSION_2 = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">
  <BkToCstmrStmt>
    <GrpHdr>
      <MsgId>STMT-20260304</MsgId><CreDtTm>2026-03-05T04:10:00-05:00</CreDtTm>
      <MsgPgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></MsgPgntn>
    </GrpHdr>
    <Stmt>
      <Id>63</Id>
      <Acct><Id><Othr><Id>12345</Id></Othr></Id><Ccy>USD</Ccy></Acct>
      <Bal>
        <Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp>
        <Amt Ccy="USD">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-04</Dt></Dt>
      </Bal>
      <Bal>
        <Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp>
        <Amt Ccy="USD">1459.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-04</Dt></Dt>
      </Bal>
      <Bal>
        <Tp><CdOrPrtry><Cd>FWAV</Cd></CdOrPrtry></Tp>
        <Amt Ccy="EUR">7.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Dt><Dt>2026-03-05</Dt></Dt>
      </Bal>
      <Ntry>
        <NtryRef>1</NtryRef>
        <Amt Ccy="USD">250.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
        <BookgDt><Dt>2026-03-04</Dt></BookgDt><AcctSvcrRef>B-1</AcctSvcrRef>
        <NtryDtls><TxDtls>
          <Refs><EndToEndId>D1</EndToEndId><InstrId>NOTPROVIDED</InstrId></Refs>
          <RmtInf><Ustrd>ACH CREDIT</Ustrd><Ustrd>PAT &amp; PERSON</Ustrd></RmtInf>
        </TxDtls></NtryDtls>
      </Ntry>
      <Ntry>
        <NtryRef>2</NtryRef>
        <Amt Ccy="USD">40.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>
        <BookgDt><DtTm>2026-03-04T16:30:00-05:00</DtTm></BookgDt>
        <AddtlNtryInf>ACCOUNT FEE</AddtlNtryInf>
      </Ntry>
      <Ntry>
        <NtryRef>3</NtryRef>
        <Amt Ccy="USD">50.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd>
        <Sts>BOOK</Sts><BookgDt><Dt>2026-03-03</Dt></BookgDt>
        <NtryDtls><TxDtls><Refs><EndToEndId>D0</EndToEndId></Refs></TxDtls></NtryDtls>
      </Ntry>
      <Ntry>
        <NtryRef>4</NtryRef>
        <Amt Ccy="USD">300.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
        <BookgDt><Dt>2026-03-04</Dt></BookgDt><AcctSvcrRef>B-4</AcctSvcrRef>
        <NtryDtls>
          <Btch><NbOfTxs>2</NbOfTxs></Btch>
          <TxDtls>
            <Refs><AcctSvcrRef>B-4</AcctSvcrRef><EndToEndId>D2</EndToEndId></Refs>
            <AmtDtls><TxAmt><Amt Ccy="USD">100.00</Amt></TxAmt></AmtDtls>
          </TxDtls>
          <TxDtls>
            <Refs><AcctSvcrRef>B-4</AcctSvcrRef><EndToEndId>D3</EndToEndId></Refs>
            <AmtDtls><TxAmt><Amt Ccy="USD">200.00</Amt></TxAmt></AmtDtls>
          </TxDtls>
        </NtryDtls>
      </Ntry>
      <Ntry>
        <Amt Ccy="USD">999.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts>
      </Ntry>
      <Ntry>
        <Amt Ccy="USD">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
        <BookgDt><Dt>2026-03-04</Dt></BookgDt>
      </Ntry>
    </Stmt>
  </BkToCstmrStmt>
</Document>
"""


BANK = """record,id,date,amount,currency,reference
account,12345,,,,
opening,,,1000.00,USD,
entry,B1,2026-03-04,250.00,USD,"ACH, D1"
entry,B2,2026-03-04,-40.50,USD,
closing,,2026-03-04,1209.50,USD,
"""


CUSTODIAN = """record,id,order,symbol,side,quantity,price,at,fee,reference,basis,amount
account,OF-1,,,,,,,,,,
day,2026-03-04,,,,,,,,,,
tells,trades,,,,,,,,,,
tells,open_orders,,,,,,,,,,
tells,positions,,,,,,,,,,
tells,cash,,,,,,,,,,
trade,X1,O1,AAPL,buy,10,100.5,2026-03-04T12:00:00-05:00,0.02,,,
bust,X2,O1,AAPL,buy,10,100.5,2026-03-04T17:05:00+00:00,-0.02,X1,,
open_order,O2,,KO,sell,3,,,,,,
position,,,AAPL,,,,,,,settled,-4
cash,,,,,,,,,,traded,-12.34
end,11,,,,,,,,,,
"""
